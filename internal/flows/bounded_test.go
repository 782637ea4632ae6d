package flows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/flows"
)

// Whatever an client varies of his calls, what is kept for him is bounded, and nobody
// else's gives way to it.
func TestVariedCallsAreBounded(t *testing.T) {
	for name, vary := range map[string]func(m *fleetBroker, n int) error{
		"session names": func(m *fleetBroker, n int) error {
			return m.varied(flows.GrantRequest{Classic: &flows.Classic{RoleARN: role, SessionName: fmt.Sprint("session", n)}})
		},
		"durations": func(m *fleetBroker, n int) error {
			return m.varied(
				flows.GrantRequest{Classic: &flows.Classic{RoleARN: role, Duration: time.Hour + time.Duration(n)*time.Second}},
			)
		},
		"roles": func(m *fleetBroker, n int) error {
			return m.varied(flows.GrantRequest{RoleARN: fmt.Sprint(role, n)})
		},
		"roles of sessions": func(m *fleetBroker, n int) error {
			return m.varied(flows.GrantRequest{Classic: &flows.Classic{RoleARN: fmt.Sprint(role, n)}})
		},
		"tokens that only the backend can judge": func(m *fleetBroker, n int) error {
			return m.varied(flows.GrantRequest{Logins: map[string]string{"unknown.example": fmt.Sprint("token", n)}})
		},
		"principal tags": func(m *fleetBroker, n int) error {
			_, err := m.DeveloperGrant(
				m.t.Context(), flows.DeveloperRequest{Pool: pool, User: "u", Tags: map[string]string{"tag": fmt.Sprint(n)}},
			)
			return err
		},
		"durations of a developer's token": func(m *fleetBroker, n int) error {
			_, err := m.DeveloperGrant(m.t.Context(), flows.DeveloperRequest{
				Pool: pool, User: "u", Tags: map[string]string{"tag": fmt.Sprint(n)}, Duration: time.Duration(n+1) * time.Second,
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits for its Redis
			c := newTestFleet(t)
			m := c.join(func(f *flows.Config) { f.DeveloperNames = map[string]string{pool: "login.example"} })
			m.t = t
			if key, err := m.ask(guest, "", &flows.CallInfo{}); err != nil || key == "" {
				t.Fatalf("a guest: got %q %v, want credentials", key, err)
			}
			for n := range 2 * cache.MaxEntries {
				if err := vary(m, n); err != nil {
					t.Fatal(err)
				}
			}
			keys, err := c.redis.Client().Keys(t.Context(), "b2:*:c:*").Result()
			if err != nil || len(keys) != cache.MaxEntries+1 {
				t.Errorf("got %d entries (%v), want %d and the guest's", len(keys), err, cache.MaxEntries)
			}
			info := &flows.CallInfo{}
			if _, err := m.ask(guest, "", info); err != nil || info.Outcome != flows.Hit {
				t.Errorf("the guest: got %s %v, want a hit", info.Outcome, err)
			}
		})
	}
}

// varied asks for a user's credentials, as his login unless the request brings others.
func (m *fleetBroker) varied(r flows.GrantRequest) error {
	r.Pool, r.IdentityID = pool, user
	if r.Logins == nil {
		r.Logins = map[string]string{idp: "a1"}
	}
	_, err := m.Grant(m.t.Context(), r)
	return err
}
