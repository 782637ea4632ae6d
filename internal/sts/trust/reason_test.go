package trust_test

import (
	"strings"
	"testing"
)

// What explains a refusal is true of every kind of condition.
func TestReasons(t *testing.T) {
	const amr, sub = `{"cognito-identity.amazonaws.com:amr":`, `{"cognito-identity.amazonaws.com:sub":`
	for conditions, want := range map[string]string{
		`"ForAnyValue:StringEquals":` + amr + `["a","b"]}`:                                "the request has none of a, b",
		`"ForAllValues:StringLike":` + amr + `["authenticated"]}`:                         "the request has others than authenticated",
		`"ForAllValues:StringNotEquals":` + amr + `"authenticated"}`:                      "the request has one of authenticated",
		`"ForAnyValue:StringNotLike":` + amr + `["authenticated","graph.*"]}`:             "the request has no others than authenticated, graph.*",
		`"StringEquals":` + sub + `"x"}`:                                                  "the request has none of x",
		`"StringNotLike":` + sub + `["x","us-*"]}`:                                        "the request has one of x, us-*",
		`"Null":` + sub + `"true"}`:                                                       "the request has such a value",
		`"Null":{"aws:TagKeys":"false"}`:                                                  "the request has no such value",
		`"ForAnyValue:StringLike":{"aws:TagKeys":"*"}`:                                    "the request has no such value",
		`"StringEquals":` + sub + `"us-east-1:aa"},"StringLike":{"aws:RequestTag/t":"*"}`: "the request has no such value",
	} {
		got := decide(t, with(conditions), user)
		if got.Allowed || !strings.HasSuffix(got.Reason, "does not hold: "+want) {
			t.Errorf("%s: got %+v, want %q", conditions, got, want)
		}
	}
}
