package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/config"
)

// Role mappings and principal tags that are taken out of the file stay in the store: check -store and serve
// warn of them until {} stands in their place.
func TestKeptSettingsAreWarnedOf(t *testing.T) {
	t.Parallel()
	const (
		mappings = "role_mappings: {accounts.google.com: {type: Rules, ambiguous_role_resolution: Deny, rules_configuration: {rules: " +
			"[{claim: email, match_type: Equals, value: a, role_arn: '" + someRole + "'}]}}}"
		tags = "principal_tags: {www.amazon.com: {principal_tags: {user: sub}}}"
		pool = ", supported_login_providers: {accounts.google.com: a, www.amazon.com: a}, roles: {authenticated: '" + someRole + "'}}\n" +
			"login_providers: [{provider: accounts.google.com, kind: google}, {provider: www.amazon.com, kind: amazon}]\n"
		wantMappings = "the store has mappings for accounts.google.com that are not in the file; {} removes them"
		wantTags     = "the store has principal tags for www.amazon.com that are not in the file; {} removes them"
	)
	const both, neither, none = mappings + ", " + tags, "min_remaining: 1m", "role_mappings: {}, principal_tags: {}"
	b := prepare(t, nil, "  - {id: 'us-east-1:0-1', name: p, "+both+pool)
	now := both
	for _, step := range []struct {
		text  string
		warns bool
	}{{both, false}, {neither, true}, {none, false}, {neither, false}} {
		b.edit(t, now, step.text)
		now = step.text
		b.logs = &syncBuffer{}
		if step.warns { // before a start, by the store that is there
			out, err := b.command(t, "check", "-store", "-config", b.config)
			if err != nil || !strings.Contains(out, "pools[3].role_mappings: warning: "+wantMappings+"\n") ||
				!strings.Contains(out, "pools[3].principal_tags: warning: "+wantTags+"\n") {
				t.Errorf("check -store: got %q %v, want both warnings", out, err)
			}
		}
		b.start(t)
		b.stop(t)
		for _, want := range []string{wantMappings, wantTags} {
			if n := strings.Count(b.logs.String(), want); (n == 1) != step.warns || n > 1 {
				t.Errorf("serve with %s: got %d warnings %q, want some: %v", step.text, n, want, step.warns)
			}
		}
		if out, err := b.command(t, "check", "-store", "-config", b.config); err != nil || strings.Contains(out, "the store has") != step.warns {
			t.Errorf("check -store with %s: got %q %v, want warnings: %v", step.text, out, err, step.warns)
		}
	}
}

// A warning names ten providers at most, of pools that the file has.
func TestKeptSettingsAreBounded(t *testing.T) {
	t.Parallel()
	kept := map[string]rules.Pool{"a": {PrincipalTags: map[string]rules.TagMap{}}, "b": {Mappings: map[string]rules.Mapping{"x": {}}}}
	for i := range 13 {
		kept["a"].PrincipalTags[fmt.Sprintf("p%02d", i)] = rules.TagMap{}
	}
	got := keptSettings(&config.Config{Pools: []config.Pool{{ID: "new"}, {ID: "a"}}}, kept)
	want := []config.Warning{{Path: "pools[1].principal_tags", Text: "the store has principal tags for p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, 3 more " +
		"that are not in the file; {} removes them"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
