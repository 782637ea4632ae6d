package rules_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

var claimNames = []string{"g", "h", "other", "cognito:roles", "cognito:preferred_role"}

// scalars and roles are few, so that rules meet claims often.
var (
	scalars = rapid.SampledFrom([]any{"a", "ab", "b", "a", "ab", "b", true, json.Number("1"), nil,
		map[string]any{"a": "a"}})
	roles = rapid.SampledFrom([]any{roleA, roleB, roleC, roleA, roleB, foreign, "a"})
)

// drawValue makes a value such as the claim may have.
func drawValue(t *rapid.T, name string) any {
	one := scalars
	if strings.HasPrefix(name, "cognito:") {
		one = roles
	}
	if name == "cognito:roles" || rapid.IntRange(0, 3).Draw(t, "array") == 0 {
		return rapid.SliceOfN(one, 0, 3).Draw(t, name)
	}
	return one.Draw(t, name)
}

func drawClaims(t *rapid.T) claims {
	c := claims{}
	for _, name := range claimNames {
		if rapid.IntRange(0, 3).Draw(t, "present") > 0 {
			c[name] = drawValue(t, name)
		}
	}
	return c
}

func drawRule(t *rapid.T) rules.Rule {
	return rules.Rule{
		Claim: rapid.SampledFrom(claimNames).Draw(t, "claim"),
		Match: rapid.SampledFrom([]string{"Equals", "Contains", "StartsWith", "NotEqual"}).Draw(t, "match"),
		Value: rapid.SampledFrom([]string{"a", "ab", "b", "1", "true"}).Draw(t, "value"),
		Role:  rapid.SampledFrom([]string{roleA, roleB, roleC}).Draw(t, "role"),
	}
}

// drawPool makes a pool with mappings and tag maps for some of its providers.
func drawPool(t *rapid.T) *rules.Pool {
	p := poolOf(map[string]rules.Mapping{})
	for _, key := range []string{googleID, appleID, oidcKey, poolID + ":web"} {
		m := rules.Mapping{Ambiguous: rapid.SampledFrom([]string{"Deny", "AuthenticatedRole"}).Draw(t, "ambiguous")}
		switch m.Type = rapid.SampledFrom([]string{"", "Token", "Rules", "Rules"}).Draw(t, "type"); m.Type {
		case "":
			continue
		case "Rules":
			m.Rules = rapid.SliceOfN(rapid.Custom(drawRule), 1, 4).Draw(t, "rules")
		}
		p.Mappings[key] = m
	}
	p.PrincipalTags = map[string]rules.TagMap{}
	for _, key := range []string{googleID, oidcKey, poolID} {
		if rapid.Bool().Draw(t, "untagged") {
			continue
		}
		p.PrincipalTags[key] = rules.TagMap{
			UseDefaults: rapid.Bool().Draw(t, "defaults"),
			Tags: rapid.MapOfN(rapid.SampledFrom([]string{"t", "T", "u"}), rapid.SampledFrom(claimNames), 0, 3).Draw(t,
				"tags"),
		}
	}
	return p
}

// drawLogins makes up to one login of each provider, in any order.
func drawLogins(t *rapid.T, least int) []rules.Proven {
	all := []rules.Proven{
		at(googleID, "app", drawClaims(t)), at(appleID, "bundle", drawClaims(t)), at(oidcID, "x", drawClaims(t)),
		at(poolID, rapid.SampledFrom([]string{"web", "ios"}).Draw(t, "client"), drawClaims(t)), at("login.example", "", nil),
	}
	return rapid.Permutation(all).Draw(t, "logins")[:rapid.IntRange(least, len(all)).Draw(t, "count")]
}

func drawCustom(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", roleA, roleB, dflt, foreign}).Draw(t, "custom")
}

// mappingDenies reports whether a login's mapping denied it.
func mappingDenies(l rules.LoginChoice) bool { return l.Key != "" && l.Role == "" }

// The first rule that matches gives the role, whatever stands behind it.
func TestFirstMatchWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(drawRule), 1, 6).Draw(t, "rules")
		user := []rules.Proven{atGoogle(drawClaims(t))}
		want := denied(googleID)
		for _, r := range list {
			if alone := rules.ChooseRole(google(rulesMapping("Deny", r)), account, user, ""); alone.Role != "" {
				want = r.Role
				break
			}
		}
		if got := answer(rules.ChooseRole(google(rulesMapping("Deny", list...)), account, user, "")); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// A mapping that denies what it does not decide never leads to the default role,
// and no token to a role of another account.
func TestDenyGivesNoRole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, proven := drawPool(t), drawLogins(t, 1)
		for key, m := range p.Mappings {
			m.Ambiguous = "Deny"
			p.Mappings[key] = m
		}
		got := rules.ChooseRole(p, account, proven, drawCustom(t))
		for _, l := range got.Logins {
			if l.Key != "" && (got.Role == dflt || l.Role == dflt || l.Ambiguous != "" && (got.Role != "" || got.Err == nil)) {
				t.Fatalf("got role %q, %s gives %q after resolution %q", got.Role, l.Provider, l.Role, l.Ambiguous)
			}
		}
		if got.Role == foreign {
			t.Fatal("got a role of another account")
		}
		if (got.Role == "") == (got.Err == nil) {
			t.Fatalf("got role %q and error %v, want one of them", got.Role, got.Err)
		}
	})
}

// Proving one login more never turns the denial of a mapping into a grant: with a
// role asked for that is a login's own denial, without one any denial among logins
// that have mappings.
func TestMoreLoginsNeverGrant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, all, custom := drawPool(t), drawLogins(t, 2), drawCustom(t)
		few := rules.ChooseRole(p, account, all[:len(all)-1], custom)
		more := rules.ChooseRole(p, account, all, custom)
		stays := slices.ContainsFunc(few.Logins, mappingDenies)
		if custom == "" && few.Role == "" {
			stays = stays || slices.ContainsFunc(few.Logins, func(l rules.LoginChoice) bool { return l.Key != "" })
		}
		if stays && more.Role != "" {
			t.Fatalf("denied with %d logins, and %s with one more", len(all)-1, more.Role)
		}
	})
}

// No role comes out of several logins that none of them would give by itself, nor
// one that a mapping did not give, unless it was asked for; the order in which they
// come is no matter.
func TestLoginsTogetherGiveNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, proven, custom := drawPool(t), drawLogins(t, 1), drawCustom(t)
		got := rules.ChooseRole(p, account, proven, custom)
		byItself := func(l rules.Proven) bool {
			return rules.ChooseRole(p, account, []rules.Proven{l}, custom).Role == got.Role
		}
		if got.Role != "" && !slices.ContainsFunc(proven, byItself) {
			t.Fatalf("got %s, which no login gives by itself", got.Role)
		}
		for _, l := range got.Logins {
			if got.Role != "" && custom == "" && l.Key != "" && l.Role != got.Role {
				t.Fatalf("got %s, while the mapping of %s gives %q", got.Role, l.Provider, l.Role)
			}
		}
		slices.Reverse(proven)
		if other := answer(rules.ChooseRole(p, account, proven, custom)); other != answer(got) {
			t.Fatalf("got %q, and in another order %q", answer(got), other)
		}
	})
}
