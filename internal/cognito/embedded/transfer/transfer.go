// Package transfer moves pools, identities and their logins into a store of the
// engine and out of it, as lines of JSON: so that a move from Cognito, or to
// another store, keeps the ids that data hangs on. docs/import.md describes the
// lines.
//
// An import is one write: all of it is there afterwards, or nothing. It never
// changes what is there: a line that says the same is passed over, one that says
// otherwise is refused.
package transfer

import (
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// line is one line: a pool, an identity or a sign-out.
type line struct {
	Pool *rules.Pool `json:"pool,omitempty"`
	// FormerProviders are names that the pool's settings and logins may hold beside
	// those of its providers; see rules.Pool.Former.
	FormerProviders []string  `json:"formerProviders,omitempty"`
	Identity        *identity `json:"identity,omitempty"`
	SignOut         *signOut  `json:"signOut,omitempty"`
}

// formerProviders of a pool in a store.
func formerProviders(tx *store.Tx, p *rules.Pool) ([]string, error) {
	linked, err := tx.LoginProviders(p.ID)
	if err != nil {
		return nil, err
	}
	told, err := tx.SignOutProviders(p.ID)
	return p.Former(append(linked, told...)), err
}

// identity is an identity with its logins. A backend's own user is a login of the
// pool's developer provider.
type identity struct {
	ID         string     `json:"id"`
	Pool       string     `json:"pool"`
	State      string     `json:"state,omitempty"` // empty: authenticated with logins, a guest without
	Created    *time.Time `json:"created,omitempty"`
	Modified   *time.Time `json:"modified,omitempty"`
	MergedInto string     `json:"mergedInto,omitempty"`
	Logins     []login    `json:"logins,omitempty"`
}

type login struct {
	Provider string `json:"provider"`
	Subject  string `json:"subject"`
}

// Names of states.
const (
	stateGuest         = "guest"
	stateAuthenticated = "authenticated"
	stateDisabled      = "disabled"
)

var stateNames = map[rules.State]string{
	rules.Guest: stateGuest, rules.Authenticated: stateAuthenticated, rules.Disabled: stateDisabled,
}

// Count is how much was moved; what was there already counts as moved.
type Count struct{ Pools, Identities, Logins int }
