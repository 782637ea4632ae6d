package rules_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

func TestRelevantClaim(t *testing.T) {
	p := poolOf(map[string]rules.Mapping{
		googleID:        rulesMapping("Deny", equals("g", "1", roleA)),
		oidcKey:         rulesMapping("Deny", equals("o", "1", roleA)),
		poolID + ":web": rulesMapping("Deny", equals("w", "1", roleA)),
		poolID + ":ios": rulesMapping("Deny", equals("i", "1", roleA)),
	})
	p.PrincipalTags = map[string]rules.TagMap{
		googleID: {Tags: map[string]string{"t": "tagged"}},
		appleID:  {UseDefaults: true, Tags: map[string]string{"t": "unused"}},
		poolID:   {Tags: map[string]string{"t": "tagged"}},
	}
	for _, c := range []struct {
		provider, claim string
		want            bool
	}{
		{googleID, "g", true}, {googleID, "tagged", true}, {googleID, "o", false}, {googleID, "t", false},
		{googleID, "sub", false},
		{googleID, "cognito:roles", true}, {googleID, "cognito:preferred_role", true}, {googleID, "cognito:groups", false},
		{oidcID, "o", true}, {oidcID, "g", false}, {oidcID, "tagged", false}, {oidcKey, "o", true},
		{poolID, "w", true}, {poolID, "i", true}, {poolID, "tagged", true}, {poolID, "g", false},
		{poolID[:len(poolID)-1], "w", false},
		{appleID, "unused", false}, {appleID, "g", false},
	} {
		if got := rules.RelevantClaim(p, c.provider, c.claim); got != c.want {
			t.Errorf("claim %s of %s: got %v, want %v", c.claim, c.provider, got, c.want)
		}
	}
}

// A claim that is not relevant changes neither role nor tags.
func TestIrrelevantClaimsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, proven, custom := drawPool(t), drawLogins(t, 1), drawCustom(t)
		n := rapid.IntRange(0, len(proven)-1).Draw(t, "which")
		old, ok := proven[n].Claims.(claims)
		irrelevant := slices.DeleteFunc(slices.Clone(claimNames), func(name string) bool {
			return rules.RelevantClaim(p, proven[n].Provider, name)
		})
		if !ok || len(irrelevant) == 0 {
			return
		}
		name := rapid.SampledFrom(irrelevant).Draw(t, "name")
		changed := maps.Clone(old)
		if rapid.Bool().Draw(t, "removed") {
			delete(changed, name)
		} else {
			changed[name] = drawValue(t, name)
		}
		other := slices.Clone(proven)
		other[n].Claims = changed
		if a, b := answer(rules.ChooseRole(p, account, proven, custom)),
			answer(rules.ChooseRole(p, account, other, custom)); a != b {
			t.Fatalf("claim %s changed the role from %q to %q", name, a, b)
		}
		if diff := cmp.Diff(rules.PrincipalTags(p, proven), rules.PrincipalTags(p, other)); diff != "" {
			t.Fatalf("claim %s changed the tags:\n%s", name, diff)
		}
	})
}
