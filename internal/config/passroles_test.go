package config_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func passing(roles string) string {
	return "mode: development\ncallers: [" + keyed("api_key: "+plainKey+", pass_roles: "+roles) + "]"
}

func TestPassRoles(t *testing.T) {
	for roles, want := range map[string][]string{
		"":      nil, // a key without a value leaves the default
		"[]":    {},
		"['*']": {"*"},
		"['arn:aws:iam::000000000000:role/demo-*', 'arn:minio:iam:::role/*', 'arn:aws:iam::*:r*', 'arn:aws:iam::?:*']": {
			"arn:aws:iam::000000000000:role/demo-*", "arn:minio:iam:::role/*", "arn:aws:iam::*:r*", "arn:aws:iam::?:*"},
	} {
		if got := mustLoad(t, passing(roles)).Callers[0].PassRoles; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", roles, got, want)
		}
	}
	if got := mustLoad(t,
		"mode: development\ncallers: ["+keyed("api_key: "+plainKey)+"]").Callers[0].PassRoles; got != nil {
		t.Errorf("absent: got %#v, want nil", got)
	}
	var many []string
	for i := range 101 {
		many = append(many, "arn:aws:iam::000000000000:role/r"+strconv.Itoa(i))
	}
	for roles, path := range map[string]string{
		"['']":       "callers[0].pass_roles[0]",
		"['demo-*']": "callers[0].pass_roles[0]",
		"['*', 'arn:aws:iam::000000000000:user/a']":                 "callers[0].pass_roles[1]",
		"['*:aws:iam::000000000000:role/a']":                        "callers[0].pass_roles[0]",
		"['arn:aws:iam::000000000000:']":                            "callers[0].pass_roles[0]",
		"['arn:aws:iam::000000000000:role/a b']":                    "callers[0].pass_roles[0]",
		"['arn:aws:iam::0:role/" + strings.Repeat("r", 1024) + "']": "callers[0].pass_roles[0]",
		"['*', '*']":                             "callers[0].pass_roles[1]",
		"'*'":                                    "callers[0].pass_roles",
		"['" + strings.Join(many, "', '") + "']": "callers[0].pass_roles",
	} {
		_, err := load(t, passing(roles))
		wantError(t, err, path, "")
	}
}
