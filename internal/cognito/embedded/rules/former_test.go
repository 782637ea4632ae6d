package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// What an update leaves of a provider that it took out is told by name.
func TestFormerProviders(t *testing.T) {
	m := rulesMapping("Deny", equals("c", "v", roleB))
	p := poolOf(map[string]rules.Mapping{oidcKey: m, poolID + ":web": m, poolID + ":gone": m, googleID: m})
	p.PrincipalTags = map[string]rules.TagMap{oidcKey: {}, poolID: {}, "gone.example": {}}
	linked := []string{googleID, oidcID, poolID, "login.example", "old.example", "gone.example"}
	if diff := cmp.Diff([]string{poolID + ":gone", "gone.example", "old.example"}, p.Former(linked)); diff != "" {
		t.Errorf("some taken out (-want +got):\n%s", diff)
	}
	p.OIDCProviderARNs, p.PublicProviders, p.UserPools = nil, nil, nil
	want := []string{googleID, oidcKey, poolID, poolID + ":gone", poolID + ":web", "gone.example", oidcID, "old.example"}
	if diff := cmp.Diff(want, p.Former(linked)); diff != "" {
		t.Errorf("all taken out (-want +got):\n%s", diff)
	}
}

// A map that is set takes those of former providers with it; what readers hold stays.
func TestSetTagMap(t *testing.T) {
	p := poolOf(nil)
	p.PrincipalTags = map[string]rules.TagMap{oidcKey: {UseDefaults: true}, "gone.example": {UseDefaults: true}}
	read := *p
	tags := rules.TagMap{Tags: map[string]string{"t": "c"}}
	if err := p.SetTagMap("gone.example", tags); err == nil {
		t.Error("a former provider: got its map taken")
	}
	if err := p.SetTagMap(googleID, tags); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]rules.TagMap{oidcKey: {UseDefaults: true}, googleID: tags},
		p.PrincipalTags); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
	if len(read.PrincipalTags) != 2 || read.PrincipalTags["gone.example"].Tags != nil {
		t.Errorf("what a reader holds: got %d maps, want the 2 from before", len(read.PrincipalTags))
	}
}
