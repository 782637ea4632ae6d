package rules_test

import (
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// A token of ours that a login got gets round no mapping of that login, although
// it tells no client of a user pool. One that a backend asked for has the role that
// its user is due.
func TestTokensGetRoundNoMapping(t *testing.T) {
	user := func(provider string) rules.Proven { return at(provider, "", nil) }
	mapped := func(key, ambiguous string) *rules.Pool {
		return poolOf(map[string]rules.Mapping{key: {Type: "Token", Ambiguous: ambiguous}})
	}
	for name, c := range map[string]struct {
		pool   *rules.Pool
		proven []rules.Proven
		want   string
	}{
		"a public domain":             {mapped(googleID, "Deny"), []rules.Proven{atGoogle(nil)}, denied(googleID)},
		"an OpenID provider":          {mapped(oidcKey, "Deny"), []rules.Proven{user(oidcID)}, denied(oidcID)},
		"an app client":               {mapped(poolID+":web", "Deny"), []rules.Proven{user(poolID)}, denied(poolID)},
		"another app client":          {mapped(poolID+":ios", "Deny"), []rules.Proven{user(poolID)}, denied(poolID)},
		"resolved to the default":     {mapped(poolID+":ios", "AuthenticatedRole"), []rules.Proven{user(poolID)}, dflt},
		"a user pool without mapping": {mapped(googleID, "Deny"), []rules.Proven{user(poolID)}, dflt},
		"a backend's user":            {mapped(poolID+":web", "Deny"), []rules.Proven{user("login.example")}, dflt},
		"a backend's user beside": {mapped(poolID+":web", "Deny"), []rules.Proven{user(poolID), user("login.example")},
			dflt},
	} {
		amr := rules.AMR(c.pool, c.proven)
		if got := answer(rules.ChooseRole(c.pool, account, rules.AMRProven(c.pool, amr), "")); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if role, err := rules.TokenRole(c.pool, account, amr); role != c.want && outcome(err) != c.want {
			t.Errorf("%s, at STS: got %q %v, want %q", name, role, err, c.want)
		}
	}
}

// A guest's token has the guests' role, and one that says neither, or both, none.
func TestTokenRole(t *testing.T) {
	p := google(rulesMapping("Deny", equals("c", "v", roleB)))
	if role, err := rules.TokenRole(p, account, rules.AMR(p, nil)); role != guest || err != nil {
		t.Errorf("a guest: got %q %v, want %q", role, err, guest)
	}
	for _, amr := range [][]string{nil, {"x"}, {"authenticated", "unauthenticated"}} {
		if role, err := rules.TokenRole(p, account, amr); role != "" || outcome(err) == "" {
			t.Errorf("amr %v: got %q %v, want a refusal", amr, role, err)
		}
	}
}
