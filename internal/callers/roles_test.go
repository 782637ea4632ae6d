package callers_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/callers"
)

func withRoles(t testing.TB, pool string, roles []string) *callers.Caller {
	t.Helper()
	c := backend()
	c.Pools, c.PassRoles = []string{pool}, roles
	caller, _, _ := registry(t, c).ByAccessKey("AKIDEXAMPLEBACKEND")
	return caller
}

func TestMayPass(t *testing.T) {
	const role = "arn:aws:iam::000000000000:role/"
	none := []string{}
	tests := []struct {
		name     string
		pool     string
		patterns []string
		role     string
		want     bool
	}{
		{"default of all pools", callers.AnyPool, nil, role + "OrganizationAdmin", true},
		{"default of all pools, no ARN", callers.AnyPool, nil, "x", true},
		{"default of one pool", poolA, nil, role + "demo", false},
		{"none, in words", callers.AnyPool, none, role + "demo", false},
		{"none for one pool", poolA, none, role + "demo", false},
		{"named", poolA, []string{role + "demo"}, role + "demo", true},
		{"named, all pools", callers.AnyPool, []string{role + "demo"}, role + "other", false},
		{"longer", poolA, []string{role + "demo"}, role + "demo2", false},
		{"shorter", poolA, []string{role + "demo"}, role + "dem", false},
		{"other case", poolA, []string{role + "demo"}, role + "Demo", false},
		{"the second", poolA, []string{role + "a", role + "demo"}, role + "demo", true},
		{"run", poolA, []string{role + "demo-*"}, role + "demo-auth", true},
		{"empty run", poolA, []string{role + "demo-*"}, role + "demo-", true},
		{"run with path", poolA, []string{role + "team/*"}, role + "team/a/b", true},
		{"run in the middle", poolA, []string{role + "*-auth"}, role + "demo-auth", true},
		{"run in the middle, more behind", poolA, []string{role + "*-auth"}, role + "demo-auth-2", false},
		{"two runs", poolA, []string{role + "*-x-*"}, role + "a-x-b-x-", true},
		{"one character", poolA, []string{role + "demo-?"}, role + "demo-1", true},
		{"one character, none there", poolA, []string{role + "demo-?"}, role + "demo-", false},
		{"one character, two there", poolA, []string{role + "demo-?"}, role + "demo-12", false},
		{"any account", poolA, []string{"arn:aws:iam::*:role/demo"}, "arn:aws:iam::111111111111:role/demo", true},
		{"no run over a colon", poolA, []string{"arn:aws:iam::*:role/demo"}, "arn:aws:iam::1:role/admin:role/demo", false},
		{"no character for a colon", poolA, []string{"arn:aws:iam:?:0:role/demo"}, "arn:aws:iam:::0:role/demo", false},
		{"other account", poolA, []string{role + "*"}, "arn:aws:iam::111111111111:role/demo", false},
		{"all, in words", poolA, []string{"*"}, role + "OrganizationAdmin", true},
		{"of MinIO", poolA, []string{"arn:minio:iam:::role/*"}, "arn:minio:iam:::role/x", true},
		{"another partition", poolA, []string{role + "demo"}, "arn:aws-cn:iam::000000000000:role/demo", false},
		{"another service", poolA, []string{role + "demo"}, "arn:aws:sts::000000000000:role/demo", false},
		{"another region", poolA, []string{role + "demo"}, "arn:aws:iam:us-east-1:000000000000:role/demo", false},
		{"another first part", poolA, []string{role + "demo"}, "urn:aws:iam::000000000000:role/demo", false},
		{"a colon in the resource", poolA, []string{role + "a:*"}, role + "a:b", true},
		{"a part of an ARN", poolA, []string{role + "*"}, "arn:aws:iam", false},
		{"a part of an ARN, runs for the rest", poolA, []string{"arn:aws:iam:*:*:*"}, "arn:aws:iam", false},
		{"no ARN", poolA, []string{role + "*"}, "demo", false},
		{"empty", poolA, []string{role + "*"}, "", false},
	}
	for _, tt := range tests {
		if got := withRoles(t, tt.pool, tt.patterns).MayPass(tt.role); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	var nobody *callers.Caller
	if nobody.MayPass(role+"demo") || nobody.MayPassEvery() {
		t.Error("nobody: may pass a role")
	}
}

func TestMayPassEvery(t *testing.T) {
	for pattern, want := range map[string]bool{
		"*":                                    true,
		"arn:aws:iam::000000000000:*":          true,
		"arn:aws:iam::000000000000:role*":      true,
		"arn:aws:iam::000000000000:role/*":     true,
		"arn:aws-cn:iam::*:role/*":             true,
		"arn:aws:iam::000000000000:role/a*":    false,
		"arn:aws:iam::000000000000:role/?*":    false,
		"arn:aws:iam::000000000000:role/*a*":   false,
		"arn:aws:iam::000000000000:role/*?":    false,
		"arn:aws:iam::000000000000:role/?":     false,
		"arn:aws:iam::111111111111:role/*":     false,
		"arn:aws:sts::000000000000:role/*":     false,
		"arn:minio:iam:::role/*":               false,
		"arn:aws:iam::000000000000:role/admin": false,
		"arn:aws:iam::000000000000:role/":      false,
		"arn:aws:iam:us-east-1:*:role/*":       false,
	} {
		if got := withRoles(t, poolA, []string{pattern}).MayPassEvery(); got != want {
			t.Errorf("%s: got %v, want %v", pattern, got, want)
		}
	}
	if !withRoles(t, callers.AnyPool, nil).MayPassEvery() || withRoles(t, poolA, nil).MayPassEvery() {
		t.Error("defaults: want every role for a caller of all pools, and none for others")
	}
}

// Patterns match what the same regular expression does.
func TestPatternsMatchAsRegexp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pattern := rapid.StringMatching(`role/[ab/*?]{0,8}`).Draw(rt, "pattern")
		name := rapid.StringMatching(`[ab/]{0,12}`).Draw(rt, "name")
		expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile("^" + expression + "$").MatchString("role/" + name)
		const arn = "arn:aws:iam::000000000000:"
		if got := withRoles(t, poolA, []string{arn + pattern}).MayPass(arn + "role/" + name); got != want {
			rt.Fatalf("%s against %s: got %v, want %v", pattern, name, got, want)
		}
	})
}
