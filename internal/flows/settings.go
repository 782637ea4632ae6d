package flows

import (
	"slices"
	"strings"
)

// Settings tells under which settings of the broker answers are made. Implementations
// are fast and safe for concurrent use.
type Settings interface {
	// Generation names the settings that an answer of a pool rests on, to whoever proved
	// logins of those providers. It is another one when anything of them was withdrawn or
	// replaced. A provider that is not known, such as a backend's own, has none.
	Generation(pool string, providers []string) string
}

// settings is the generation that a call of a pool with those logins rests on. It is a
// part of every key: what was brought under other settings is never found, nor joined,
// nor renewed, by whichever broker of the fleet.
func (c *Config) settings(pool string, logins []login) string {
	if c.Settings == nil {
		return ""
	}
	var providers []string
	for _, l := range logins {
		providers = append(providers, l.provider)
	}
	slices.SortFunc(providers, strings.Compare)
	return c.Settings.Generation(pool, slices.Compact(providers))
}
