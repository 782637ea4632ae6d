package awswire_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

func zeros(n int) []any { return slices.Repeat([]any{json.Number("0")}, n) }

func TestDecodeObject(t *testing.T) {
	nested := func(n int) string { return `{"SECRET":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	type tree = map[string]any
	tests := []struct {
		name string
		body string
		want tree // nil: refused
	}{
		{"empty", "", tree{}},
		{"empty object", "{}", tree{}},
		{"all types", ` {"s":"x","n":-1.5e2,"t":true,"f":false,"z":null,"o":{"a":[1,"2",[]]}} `,
			tree{"s": "x", "n": json.Number("-1.5e2"), "t": true, "f": false, "z": nil, "o": tree{"a": []any{json.Number("1"), "2", []any{}}}}},
		{"equal names in different objects", `{"a":{"x":1},"b":{"x":1}}`, tree{"a": tree{"x": json.Number("1")}, "b": tree{"x": json.Number("1")}}},
		{"names that differ by case", `{"a":1,"A":2}`, tree{"a": json.Number("1"), "A": json.Number("2")}},
		{"escapes", `{"a":"\u00e9\ud83d\ude00\\ud800\"\ufffd"}`, tree{"a": "é😀\\ud800\"\ufffd"}},
		{"at the depth", nested(31), tree{"SECRET": deep(31)}},

		{"beyond the depth", nested(32), nil},
		{"far beyond", nested(20000), nil},
		{"as many values as may be", `{"a":[` + strings.Repeat("0,", 97) + `0]}`, tree{"a": zeros(98)}},
		{"one more", `{"SECRET":[` + strings.Repeat("0,", 98) + `0]}`, nil},
		{"blank", " ", nil},
		{"array", `[]`, nil},
		{"string", `"SECRET"`, nil},
		{"null", `null`, nil},
		{"cut", `{"SECRET":`, nil},
		{"trailing bytes", `{}x`, nil},
		{"two objects", `{}{}`, nil},
		{"trailing comma", `{"a":1,}`, nil},
		{"trailing comma in a list", `{"a":[1,]}`, nil},
		{"no comma", `{"a":1 "b":2}`, nil},
		{"single quotes", `{'a':1}`, nil},
		{"comment", `{"a":1/**/}`, nil},
		{"leading zero", `{"a":01}`, nil},
		{"NaN", `{"a":NaN}`, nil},
		{"byte order mark", "\ufeff{}", nil},
		{"twice", `{"SECRET":1,"SECRET":1}`, nil},
		{"twice, deep", `{"a":[{"SECRET":1,"SECRET":2}]}`, nil},
		{"twice, escaped", `{"a":1,"\u0061":2}`, nil},
		{"not UTF-8", "{\"a\":\"\xff\"}", nil},
		{"lone high surrogate", `{"a":"\ud800"}`, nil},
		{"lone low surrogate", `{"a":"\udc00"}`, nil},
		{"high surrogate twice", `{"a":"\ud800\ud800"}`, nil},
		{"high surrogate and text", `{"a":"\ud800xxxxxx"}`, nil},
		{"surrogate after a backslash", `{"a":"\\\ud800"}`, nil},
		{"surrogates in a name", `{"\ud800":1,"\ud801":2}`, nil},
		{"control character", "{\"a\":\"\n\"}", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := awswire.DecodeObject([]byte(tt.body), awswire.ValuesOfApps)
			if tt.want != nil {
				if err != nil {
					t.Fatalf("got %v, want it accepted", err)
				}
				// go-cmp takes exponential time on deep lists.
				if !reflect.DeepEqual(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
				return
			}
			api, ok := errors.AsType[smithy.APIError](err)
			if !ok || api.ErrorCode() != cognito.CodeSerialization {
				t.Fatalf("got %v, want %s", err, cognito.CodeSerialization)
			}
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("got the body's content in %q", err)
			}
			r := newServer(&fake{}).Serve(t.Context(), call("GetId", tt.body))
			if r.Status != 400 || r.Code != cognito.CodeSerialization {
				t.Errorf("served: got %d %s, want 400 %s", r.Status, r.Code, cognito.CodeSerialization)
			}
		})
	}
}

func deep(n int) any {
	v := []any{}
	for range n - 1 {
		v = []any{v}
	}
	return v
}

// Member names are exact, and wrong types are told by name.
func TestServedBodies(t *testing.T) {
	tests := []struct{ name, body, code, message string }{
		{"empty body", "", cognito.CodeValidation, "Value null at 'identityPoolId'"},
		{"other case", `{"identityPoolId":"` + pool + `"}`, cognito.CodeValidation, "Value null at 'identityPoolId'"},
		{"null", `{"IdentityPoolId":null}`, cognito.CodeValidation, "Value null at 'identityPoolId'"},
		{"number", `{"IdentityPoolId":5}`, cognito.CodeSerialization, "identityPoolId"},
		{"list of logins", `{"IdentityPoolId":"` + pool + `","Logins":[]}`, cognito.CodeSerialization, "logins"},
		{"null login", `{"IdentityPoolId":"` + pool + `","Logins":{"p":null}}`, cognito.CodeValidation, "Value '{p=}' at 'logins'"},
		{"null logins", `{"IdentityPoolId":"` + pool + `","Logins":null}`, "", ""},
		{"empty logins", `{"IdentityPoolId":"` + pool + `","Logins":{}}`, "", ""},
	}
	for _, tt := range tests {
		f := &fake{}
		r := newServer(f).Serve(t.Context(), call("GetId", tt.body))
		if r.Code != tt.code || !strings.Contains(string(r.Body), tt.message) {
			t.Errorf("%s: got %s, want %q with %q", tt.name, r.Body, tt.code, tt.message)
		}
		if called := f.id != nil; called != (tt.code == "") {
			t.Errorf("%s: the API was called: %v", tt.name, called)
		}
	}
}
