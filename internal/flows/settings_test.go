package flows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/flows"
)

// generations is the settings of one broker: their generations by name.
type generations map[string]string

func (e generations) Generation(pool string, providers []string) string {
	return fmt.Sprint(e[pool], e[strings.Join(providers, " ")])
}

// eras gives brokers settings, in their order.
func eras(each ...generations) func(*flows.Config) {
	n := 0
	return func(c *flows.Config) {
		still(c)
		c.Settings = each[n]
		n++
	}
}

// What was brought under other settings of the pool or of a login's provider is found
// by nobody, and what rests on neither is.
func TestSettingsKeepEntriesApart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		other        generations
		users, guest flows.Outcome // of the second broker
	}{
		"the same":          {generations{}, flows.Hit, flows.Hit},
		"another pool":      {generations{"us-east-1:elsewhere": "2"}, flows.Hit, flows.Hit},
		"the pool":          {generations{pool: "2"}, flows.Miss, flows.Miss},
		"the provider":      {generations{idp: "2"}, flows.Miss, flows.Hit},
		"another provider":  {generations{idp2: "2"}, flows.Hit, flows.Hit},
		"of what is no key": {generations{"": ""}, flows.Hit, flows.Hit},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRenewalFleet(t, 2, eras(generations{}, test.other))
			token := c.token("a", 2*time.Hour)
			ask := func(n int, tokens map[string]string) flows.Outcome {
				t.Helper()
				_, how, err := c.ask(c.brokers[n], user, tokens, flows.CallInfo{})
				if err != nil {
					t.Fatal(err)
				}
				return how
			}
			login := map[string]string{idp: token}
			ask(0, login)
			ask(0, nil)
			if got := ask(1, login); got != test.users {
				t.Errorf("a user: got a %s, want a %s", got, test.users)
			}
			if got := ask(1, nil); got != test.guest {
				t.Errorf("a guest: got a %s, want a %s", got, test.guest)
			}
			for _, tokens := range []map[string]string{login, nil} {
				if got := ask(0, tokens); got != flows.Hit {
					t.Errorf("whoever asks where it was brought: got a %s, want a hit", got)
				}
			}
		})
	}
}

// Whose a login is rests on the same settings.
func TestSettingsKeepLoginsApart(t *testing.T) {
	c := newTestFleet(t)
	a := c.join(func(f *flows.Config) { f.Settings = generations{} })
	same := c.join(func(f *flows.Config) { f.Settings = generations{idp2: "2"} })
	other := c.join(func(f *flows.Config) { f.Settings = generations{idp: "2"} })
	a.wantID(flows.Miss, 1)
	same.wantID(flows.Hit, 1)
	other.wantID(flows.Miss, 2)
}

// A broker renews nothing that was brought under other settings than its own.
func TestSettingsKeepRenewalsApart(t *testing.T) {
	for name, grant := range map[string]func(c *renewalFleet) error{
		"a user's": func(c *renewalFleet) error {
			_, _, err := c.ask(c.brokers[0], user, map[string]string{idp: c.token("a", 2*time.Hour)}, flows.CallInfo{})
			return err
		},
		"a backend's": func(c *renewalFleet) error {
			_, err := c.brokers[0].DeveloperGrant(c.t.Context(), flows.DeveloperRequest{Pool: pool, User: "u"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRenewalFleet(t, 3, eras(generations{pool: "1"}, generations{pool: "2"}, generations{pool: "1"}))
			asked := func(n int64) {
				t.Helper()
				if got := c.granter.exchanges.Load(); got != n {
					t.Errorf("got %d exchanges, want %d", got, n)
				}
			}
			begin := func() {
				t.Helper()
				for range 2 {
					if err := grant(c); err != nil {
						t.Fatal(err)
					}
				}
				c.reportUses()
				c.pass(37 * time.Minute)
			}
			begin()
			if got := c.brokers[1].RenewClaims(t.Context(), 16); got != 1 || c.counts.of("gone") != 1 {
				t.Errorf("of other settings: got %d claims and %d gone, want one of each", got, c.counts.of("gone"))
			}
			asked(1)
			c.pass(time.Hour)
			begin()
			if got := c.brokers[2].RenewClaims(t.Context(), 16); got != 1 {
				t.Errorf("of the same settings: got %d claims, want one", got)
			}
			asked(3)
		})
	}
}
