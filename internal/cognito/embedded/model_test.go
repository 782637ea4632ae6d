//go:build !race

package embedded_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
)

// Whatever sequence of calls the engine gets, it answers as the model does, and
// afterwards shows the same identities.
//
// A long run: go test -run TestEngineKeepsTheModel -rapid.checks=5000 -timeout 1h
func TestEngineKeepsTheModel(t *testing.T) {
	fewer(t, "25") // each step looks at everything, which takes long under the race detector
	rapid.Check(t, func(t *rapid.T) {
		m := newModelled(t)
		actions := map[string]func(*rapid.T){"": m.compare}
		for _, name := range []string{
			"GetId", "GetCredentialsForIdentity", "GetOpenIdToken", "GetOpenIdTokenForDeveloperIdentity", "UnlinkIdentity",
			"UnlinkDeveloperIdentity", "MergeDeveloperIdentities", "LookupDeveloperIdentity", "DeleteIdentities",
			"ListIdentities", "DescribeIdentity",
		} {
			actions[name] = func(t *rapid.T) { m.step(t, m.draw(t, name)) }
		}
		t.Repeat(actions)
	})
}

// fewer has rapid make so many checks unless the command line says how many.
func fewer(t *testing.T, checks string) {
	f := flag.Lookup("rapid.checks")
	if f.Value.String() != f.DefValue {
		return
	}
	if err := f.Value.Set(checks); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Value.Set(f.DefValue) })
}

// step makes one call on both. An id that the model does not know is the one that
// it gives to what the call makes.
func (m *modelled) step(t *rapid.T, op model.Op) {
	got, err := m.caller.Call(context.Background(), op)
	must(t, err)
	fresh := "a new identity"
	if got.Identity != "" && !m.world.Known(got.Identity) {
		fresh = got.Identity
	}
	outcomes := m.world.Do(op, fresh)
	if len(outcomes) != 1 || !outcomes[0].Answer.Matches(got) {
		t.Fatalf("%+v: got %v, want %v\nof %v", op, got, outcomes[0].Answer, m.world.Identities())
	}
	m.world = outcomes[0].World
}

// compare looks at every identity that ever was, and at every login.
func (m *modelled) compare(t *rapid.T) {
	for _, pool := range m.pools {
		for _, hide := range []bool{false, true} {
			m.step(t, model.Op{Name: "ListIdentities", Pool: pool.ID, Hide: hide})
		}
		for _, user := range subjects {
			m.step(t, model.Op{Name: "LookupDeveloperIdentity", Pool: pool.ID, User: user})
			for _, provider := range providers {
				m.compareOwner(t, pool.ID, model.Login{Provider: provider, Subject: user})
			}
		}
	}
	for _, i := range m.world.Identities() {
		m.step(t, model.Op{Name: "DescribeIdentity", Identity: i.ID})
		m.step(t, model.Op{Name: "LookupDeveloperIdentity", Pool: i.Pool, Identity: i.ID})
		_, guest, _, err := m.engine.Identity(context.Background(), i.ID)
		must(t, err)
		if guest != (i.State == model.Guest) {
			t.Fatalf("%s is a guest: got %t, want %v", i.ID, guest, i)
		}
	}
}

// compareOwner looks at what no call shows without changing it.
func (m *modelled) compareOwner(t *rapid.T, pool string, l model.Login) {
	got, _, err := m.engine.Owner(context.Background(), pool, l.Provider, l.Subject)
	must(t, err)
	if want, _ := m.world.Owner(pool, l); got != want {
		t.Fatalf("owner of %v: %s", l, cmp.Diff(want, got))
	}
}

// draw makes up a call.
func (m *modelled) draw(t *rapid.T, name string) model.Op {
	op := model.Op{Name: name, Pool: rapid.SampledFrom(m.pools).Draw(t, "pool").ID}
	user := rapid.SampledFrom(subjects)
	switch name {
	case "GetId", "GetCredentialsForIdentity", "GetOpenIdToken", "UnlinkIdentity":
		m.drawLogins(t, &op)
		if rarely(t, "a user") {
			op.User = user.Draw(t, "user")
		}
		if name != "GetId" {
			op.Identity = m.pick(t, "")
		}
		if name == "UnlinkIdentity" {
			op.Remove = rapid.SliceOfNDistinct(rapid.SampledFrom(append([]string{developer}, providers...)), 0, 2,
				rapid.ID).Draw(t, "remove")
		}
	case "GetOpenIdTokenForDeveloperIdentity":
		op.User = user.Draw(t, "user")
		m.drawLogins(t, &op)
		if rapid.Bool().Draw(t, "named") {
			op.Identity = m.pick(t, op.Pool)
		}
	case "UnlinkDeveloperIdentity":
		op.User, op.Identity = user.Draw(t, "user"), m.pick(t, op.Pool)
		if owner, ok := m.owner(op.Pool, model.Login{Provider: developer, Subject: op.User}); ok &&
			rapid.Bool().Draw(t, "his own") {
			op.Identity = owner
		}
	case "MergeDeveloperIdentities":
		op.User, op.Into = user.Draw(t, "user"), user.Draw(t, "into")
	case "LookupDeveloperIdentity":
		if rapid.Bool().Draw(t, "by user") {
			op.User = user.Draw(t, "user")
		}
		if rapid.Bool().Draw(t, "by identity") {
			op.Identity = m.pick(t, op.Pool)
		}
	case "ListIdentities":
		op.Hide = rapid.Bool().Draw(t, "hide")
	default:
		op.Identity = m.pick(t, "")
	}
	return op
}

// drawLogins makes up public logins, seldom with a token that is none.
func (m *modelled) drawLogins(t *rapid.T, op *model.Op) {
	for _, provider := range providers {
		if user := rapid.IntRange(-2, len(subjects)-1).Draw(t, "at "+provider); user >= 0 {
			op.Logins = append(op.Logins, model.Login{Provider: provider, Subject: subjects[user]})
		}
	}
	op.Bad = len(op.Logins) > 0 && rarely(t, "bad")
}

// pick draws an identity, deleted ones too, mostly of the pool if there is one; or
// one that never was.
func (m *modelled) pick(t *rapid.T, pool string) string {
	any := pool == "" || rarely(t, "any")
	ids := []string{"us-east-1:ffffffff-ffff-4fff-8fff-ffffffffffff"}
	for _, i := range m.identities() {
		if any || i.Pool == pool {
			ids = append(ids, i.ID)
		}
	}
	slices.Reverse(ids)
	return ids[rapid.IntRange(0, len(ids)-1).Draw(t, fmt.Sprintf("identity of %d", len(ids)))]
}

func rarely(t *rapid.T, what string) bool { return rapid.IntRange(0, 15).Draw(t, what) == 15 }
