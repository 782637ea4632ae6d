package cognito_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito"
)

type tree = map[string]any

const (
	pool     = "us-east-1:00000000-0000-4000-8000-000000000001"
	pattern  = `Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`
	tooShort = "Member must have length greater than or equal to "
	tooLong  = "Member must have length less than or equal to "
)

// refusal checks the kind of an error and returns its message.
func refusal(t *testing.T, err error, code string) string {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want %s", code)
	}
	api, ok := errors.AsType[*smithy.GenericAPIError](err)
	if !ok || api.Code != code || api.Fault != smithy.FaultClient {
		t.Fatalf("got %T %v, want %s, a fault of the client", err, err, code)
	}
	return api.Message
}

func item(value, member, constraint string) string {
	return fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint)
}

func one(value, member, constraint string) string {
	return "1 validation error detected: " + item(value, member, constraint)
}

func logins(n int) tree {
	m := tree{}
	for i := range n {
		m[fmt.Sprintf("p%02d", i)] = "token"
	}
	return m
}

func sized(n int) string { return "us-east-1:" + strings.Repeat("a", n-10) }

// Each bound with one under, at and over it.
func TestBounds(t *testing.T) {
	const keys = "Map keys must satisfy constraint: [" + tooLong + "128, " + tooShort + "1]"
	const values = "Map value must satisfy constraint: [" + tooLong + "50000, " + tooShort + "1]"
	x := func(n int) string { return strings.Repeat("x", n) }
	cut := func(n int, of string) string { return strings.Repeat(of, n) + "..." }
	getID := func(m tree) tree {
		if _, ok := m["IdentityPoolId"]; !ok {
			m["IdentityPoolId"] = pool
		}
		return m
	}
	getCredentials := func(m tree) tree { m["IdentityId"] = pool; return m }

	tests := []struct {
		name string
		op   string
		in   tree
		want string // empty: accepted
	}{
		{"pool id empty", "GetId", getID(tree{"IdentityPoolId": ""}),
			"2 validation errors detected: " + item("", "identityPoolId", tooShort+"1") + "; " +
				item("", "identityPoolId", pattern)},
		{"pool id least", "GetId", getID(tree{"IdentityPoolId": "a:0"}), ""},
		{"pool id 54", "GetId", getID(tree{"IdentityPoolId": sized(54)}), ""},
		{"pool id 55", "GetId", getID(tree{"IdentityPoolId": sized(55)}), ""},
		{"pool id 56", "GetId", getID(tree{"IdentityPoolId": sized(56)}), one(sized(56), "identityPoolId", tooLong+"55")},
		{"pool id of a user pool", "GetId", getID(tree{"IdentityPoolId": "us-east-1_AbC"}),
			one("us-east-1_AbC", "identityPoolId", pattern)},
		{"pool id in capitals", "GetId", getID(tree{"IdentityPoolId": "us-east-1:ABC"}),
			one("us-east-1:ABC", "identityPoolId", pattern)},
		{"pool id with a tail", "GetId", getID(tree{"IdentityPoolId": "us-east-1:abc\n"}),
			one("us-east-1:abc\n", "identityPoolId", pattern)},
		{"pool id with a head", "GetId", getID(tree{"IdentityPoolId": " us-east-1:abc"}),
			one(" us-east-1:abc", "identityPoolId", pattern)},
		{"pool id odd but matching", "GetId", getID(tree{"IdentityPoolId": "us-east-1:930292469738"}), ""},

		{"account empty", "GetId", getID(tree{"AccountId": ""}),
			"2 validation errors detected: " + item("", "accountId", tooShort+"1") + "; " +
				item("", "accountId", `Member must satisfy regular expression pattern: \d+`)},
		{"account 1", "GetId", getID(tree{"AccountId": "1"}), ""},
		{"account 15", "GetId", getID(tree{"AccountId": strings.Repeat("1", 15)}), ""},
		{"account 16", "GetId", getID(tree{"AccountId": strings.Repeat("1", 16)}),
			one(strings.Repeat("1", 16), "accountId", tooLong+"15")},
		{"account letters", "GetId", getID(tree{"AccountId": "12a"}),
			one("12a", "accountId", `Member must satisfy regular expression pattern: \d+`)},
		{"account other digits", "GetId", getID(tree{"AccountId": "٣"}),
			one("٣", "accountId", `Member must satisfy regular expression pattern: \d+`)},

		{"no logins", "GetId", getID(tree{"Logins": tree{}}), ""},
		{"9 logins", "GetId", getID(tree{"Logins": logins(9)}), ""},
		{"10 logins", "GetId", getID(tree{"Logins": logins(10)}), ""},
		{"11 logins", "GetId", getID(tree{"Logins": logins(11)}),
			one("{p00=, p01=, p02=, p03=, p04=, p05=, p06=, p07=, p08=, p09=, ...}", "logins", tooLong+"10")},
		{"provider empty", "GetId", getID(tree{"Logins": tree{"": "t"}}), one("{=}", "logins", keys)},
		{"provider 1", "GetId", getID(tree{"Logins": tree{"p": "t"}}), ""},
		{"provider 127", "GetId", getID(tree{"Logins": tree{x(127): "t"}}), ""},
		{"provider 128", "GetId", getID(tree{"Logins": tree{x(128): "t"}}), ""},
		{"provider 129", "GetId", getID(tree{"Logins": tree{x(129): "t"}}), one("{"+cut(64, "x")+"=}", "logins", keys)},
		{"provider 128 of two bytes", "GetId", getID(tree{"Logins": tree{strings.Repeat("é", 128): "t"}}), ""},
		{"provider 129 of two bytes", "GetId", getID(tree{"Logins": tree{strings.Repeat("é", 129): "t"}}),
			one("{"+cut(64, "é")+"=}", "logins", keys)},
		{"token empty", "GetId", getID(tree{"Logins": tree{"graph.facebook.com": ""}}),
			one("{graph.facebook.com=}", "logins", values)},
		{"token 1", "GetId", getID(tree{"Logins": tree{"p": "t"}}), ""},
		{"token 49999", "GetId", getID(tree{"Logins": tree{"p": x(49999)}}), ""},
		{"token 50000", "GetId", getID(tree{"Logins": tree{"p": x(50000)}}), ""},
		{"token 50001", "GetId", getID(tree{"Logins": tree{"p": x(50001)}}), one("{p=}", "logins", values)},
		{"token null", "GetId", getID(tree{"Logins": tree{"p": nil}}), one("{p=}", "logins", values)},
		{"provider and token", "GetId", getID(tree{"Logins": tree{"": ""}}),
			"2 validation errors detected: " + item("{=}", "logins", keys) + "; " + item("{=}", "logins", values)},

		{"role 19", "GetCredentialsForIdentity", getCredentials(tree{"CustomRoleArn": x(19)}),
			one(x(19), "customRoleArn", tooShort+"20")},
		{"role 20", "GetCredentialsForIdentity", getCredentials(tree{"CustomRoleArn": x(20)}), ""},
		{"role 2048", "GetCredentialsForIdentity", getCredentials(tree{"CustomRoleArn": x(2048)}), ""},
		{"role 2049", "GetCredentialsForIdentity", getCredentials(tree{"CustomRoleArn": x(2049)}),
			one(cut(64, "x"), "customRoleArn", tooLong+"2048")},
		{"identity 55", "GetCredentialsForIdentity", tree{"IdentityId": sized(55)}, ""},
		{"identity 56", "GetCredentialsForIdentity", tree{"IdentityId": sized(56)},
			one(sized(56), "identityId", tooLong+"55")},

		// A capture of the service, letter by letter but for the provider's name.
		{"three at once", "GetCredentialsForIdentity", tree{"IdentityId": "", "Logins": tree{"a.b.c/d": ""}},
			`3 validation errors detected: Value '{a.b.c/d=}' at 'logins' failed to satisfy constraint: Map value must ` +
				`satisfy constraint: [Member must have length less than or equal to 50000, Member must have length greater than ` +
				`or equal to 1]; Value '' at 'identityId' failed to satisfy constraint: Member must have length greater than ` +
				`or equal to 1; Value '' at 'identityId' failed to satisfy constraint: Member must satisfy regular expression ` +
				`pattern: [\w-]+:[0-9a-f-]+`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := cognito.Validate(tt.op, tt.in)
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v, want it accepted", err)
				}
				return
			}
			if got := refusal(t, err, cognito.CodeValidation); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	const null = "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null"
	for op, member := range map[string]string{"GetId": "identityPoolId", "GetCredentialsForIdentity": "identityId"} {
		exact := strings.ToUpper(member[:1]) + member[1:]
		for name, in := range map[string]tree{
			"nil": nil, "empty": {}, "null": {exact: nil}, "other case": {member: pool},
		} {
			if got, want := refusal(t, cognito.Validate(op, in), cognito.CodeValidation),
				fmt.Sprintf(null, member); got != want {
				t.Errorf("%s, %s: got %q, want %q", op, name, got, want)
			}
		}
	}
}

// Flags of which the SDK's types know no absence: the wire does.
func TestMissingFlags(t *testing.T) {
	in := tree{"IdentityPoolId": pool, "IdentityPoolName": "a"}
	for _, op := range []string{"CreateIdentityPool", "UpdateIdentityPool"} {
		const want = "1 validation error detected: Value null at 'allowUnauthenticatedIdentities' failed to satisfy " +
			"constraint: Member must not be null"
		if got := refusal(t, cognito.Validate(op, in), cognito.CodeValidation); got != want {
			t.Errorf("%s: got %q, want %q", op, got, want)
		}
	}
}

func TestAbsent(t *testing.T) {
	in := tree{"IdentityPoolId": pool, "Logins": nil, "AccountId": nil,
		"FromTheFuture": []any{tree{"x": json.Number("1")}}}
	if err := cognito.Validate("GetId", in); err != nil {
		t.Errorf("null and unknown members: got %v, want them ignored", err)
	}
}

func TestWrongTypes(t *testing.T) {
	const secret = "SECRET"
	tests := []struct {
		in   tree
		want string
	}{
		{tree{"IdentityPoolId": json.Number("7")}, "NUMBER_VALUE can not be converted to a String: identityPoolId"},
		{tree{"IdentityPoolId": true}, "BOOLEAN_VALUE can not be converted to a String: identityPoolId"},
		{tree{"IdentityPoolId": []any{secret}}, "Start of list found where not expected: identityPoolId"},
		{tree{"IdentityPoolId": tree{secret: secret}}, "Start of structure or map found where not expected: identityPoolId"},
		{tree{"Logins": secret}, "STRING_VALUE can not be converted to a Map: logins"},
		{tree{"Logins": []any{}}, "Start of list found where not expected: logins"},
		{tree{"Logins": tree{"p": json.Number("7")}}, "NUMBER_VALUE can not be converted to a String: logins.value"},
		{tree{"Logins": tree{secret: []any{secret}}}, "Start of list found where not expected: logins.value"},
		// The type outranks every constraint, wherever it stands.
		{tree{"Logins": tree{"": ""}, "IdentityPoolId": false},
			"BOOLEAN_VALUE can not be converted to a String: identityPoolId"},
		{tree{"Logins": tree{"a": "", "b": false}}, "BOOLEAN_VALUE can not be converted to a String: logins.value"},
	}
	for _, tt := range tests {
		if got := refusal(t, cognito.Validate("GetId", tt.in), cognito.CodeSerialization); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestUnknownOperationIsRefused(t *testing.T) {
	refusal(t, cognito.Validate("MakeCoffee", tree{}), cognito.CodeUnknownOperation)
	refusal(t, cognito.Check("MakeCoffee", nil), cognito.CodeUnknownOperation)
}

func TestCheck(t *testing.T) {
	type in = cognitoidentity.GetIdInput
	tests := []struct {
		name string
		in   *in
		want string
	}{
		{"nil", nil, "Value null at 'identityPoolId'"},
		{"zero", &in{}, "Value null at 'identityPoolId'"},
		{"good", &in{IdentityPoolId: aws.String(pool), Logins: map[string]string{"p": "t"}}, ""},
		{"empty logins", &in{IdentityPoolId: aws.String(pool), Logins: map[string]string{}}, ""},
		{"empty string is present", &in{IdentityPoolId: aws.String("")}, tooShort + "1"},
		{"logins", &in{IdentityPoolId: aws.String(pool), Logins: map[string]string{"p": ""}}, "Value '{p=}' at 'logins'"},
		{"bytes that are no text", &in{IdentityPoolId: aws.String("\xff")}, "Value '\uFFFD' at 'identityPoolId'"},
	}
	for _, tt := range tests {
		err := cognito.Check("GetId", tt.in)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: got %v, want it accepted", tt.name, err)
			}
			continue
		}
		if got := refusal(t, err, cognito.CodeValidation); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want it to contain %q", tt.name, got, tt.want)
		}
	}
}

// Whatever is wrong with a request, its tokens stay out of the message, and the
// message stays short.
func TestTokensAreNeverRepeated(t *testing.T) {
	const marker = "ToKeN-MaRkEr"
	rapid.Check(t, func(t *rapid.T) {
		m := tree{}
		for i := range rapid.IntRange(1, 14).Draw(t, "logins") {
			key := fmt.Sprint(i) + strings.Repeat("k", rapid.SampledFrom([]int{1, 200}).Draw(t, "key"))
			var v any = marker + strings.Repeat("v", rapid.SampledFrom([]int{0, 50000}).Draw(t, "pad"))
			switch rapid.IntRange(0, 5).Draw(t, "form") {
			case 0:
				v = ""
			case 1:
				v = []any{v}
			case 2:
				v = nil
			}
			m[key] = v
		}
		in := tree{"IdentityPoolId": rapid.SampledFrom([]any{nil, pool, "bad", strings.Repeat("é", 5000)}).Draw(t, "pool"),
			"Logins": m}
		first, again := cognito.Validate("GetId", in), cognito.Validate("GetId", in)
		if first == nil {
			return
		}
		if first.Error() != again.Error() {
			t.Fatalf("got %q, then %q for the same input", first, again)
		}
		if strings.Contains(first.Error(), marker) {
			t.Fatalf("got a token in %q", first)
		}
		if n := len(first.Error()); n > 8000 {
			t.Fatalf("got a message of %d bytes", n)
		}
	})
}
