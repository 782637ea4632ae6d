package sts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/sts"
)

const (
	policy    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
	policyARN = "arn:aws:iam::aws:policy/AmazonCognitoUnAuthedIdentitiesSessionPolicy"
)

// sized is a policy of n characters, the text of its Sid of filler.
func sized(n int, filler string) string {
	const empty = `{"Statement":{"Effect":"Deny","Action":"*","Sid":""}}`
	return strings.Replace(empty, `""`, `"`+strings.Repeat(filler, n-len(empty))+`"`, 1)
}

func TestPolicyDocuments(t *testing.T) {
	statement := func(s string) string { return `{"Statement":` + s + `}` }
	for _, tt := range []struct{ name, policy, want string }{
		{"none", "", ""},
		{"whole", policy, ""},
		{"older version", `{"Version":"2008-10-17","Id":"i","Statement":{"Effect":"Deny","NotAction":["a:b"],"NotResource":["r"]}}`, ""},
		{"no version", statement(`{"Sid":"s","Effect":"Allow","Action":["s3:*","sqs:*"],"Condition":{"Bool":{"k":["true"]}}}`), ""},
		{"white space", "\t\r\n" + policy + " \n", ""},
		{"latin 1", statement(`{"Effect":"Allow","Action":"*","Sid":"ÿ"}`), ""},
		{"beyond latin 1", statement(`{"Effect":"Allow","Action":"*","Sid":"Ā"}`), sts.CodeValidation},
		{"control", statement("{\"Effect\":\"Allow\",\"Action\":\"*\"}\x01"), sts.CodeValidation},
		{"not utf-8", statement("{\"Effect\":\"Allow\",\"Action\":\"\xff\"}"), sts.CodeValidation},
		{"at most", sized(2048, "x"), ""},
		{"at most, two bytes each", sized(1300, "é"), ""},
		{"over", sized(2049, "x"), sts.CodeValidation},
		{"text", `Allow`, sts.CodeMalformedPolicyDocument},
		{"blank", ` `, sts.CodeMalformedPolicyDocument},
		{"array", `[` + policy + `]`, sts.CodeMalformedPolicyDocument},
		{"lone surrogate", strings.Replace(policy, "s3:", `\ud800`, 1), sts.CodeMalformedPolicyDocument},
		{"nested deeply", strings.Replace(policy, `"*"`, `"*","Condition":{"a":`+strings.Repeat("[", 14)+strings.Repeat("]", 14)+"}", 1), sts.CodeMalformedPolicyDocument},
		{"nested as deep as may be", strings.Replace(policy, `"*"`, `"*","Condition":{"a":`+strings.Repeat("[", 12)+strings.Repeat("]", 12)+"}", 1), ""},
		{"null", `null`, sts.CodeMalformedPolicyDocument},
		{"empty", `{}`, sts.CodeMalformedPolicyDocument},
		{"cut off", policy[:len(policy)-1], sts.CodeMalformedPolicyDocument},
		{"two", policy + policy, sts.CodeMalformedPolicyDocument},
		{"trailing comma", `{"Statement":{"Effect":"Allow","Action":"*"},}`, sts.CodeMalformedPolicyDocument},
		{"another version", `{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"*"}}`, sts.CodeMalformedPolicyDocument},
		{"version a number", `{"Version":2012,"Statement":{"Effect":"Allow","Action":"*"}}`, sts.CodeMalformedPolicyDocument},
		{"unknown member", `{"Name":"n","Statement":{"Effect":"Allow","Action":"*"}}`, sts.CodeMalformedPolicyDocument},
		{"member's case", `{"statement":{"Effect":"Allow","Action":"*"}}`, sts.CodeMalformedPolicyDocument},
		{"no statement", `{"Version":"2012-10-17"}`, sts.CodeMalformedPolicyDocument},
		{"statements empty", statement(`[]`), sts.CodeMalformedPolicyDocument},
		{"statement a string", statement(`"Allow"`), sts.CodeMalformedPolicyDocument},
		{"statement of strings", statement(`["Allow"]`), sts.CodeMalformedPolicyDocument},
		{"second statement wrong", statement(`[{"Effect":"Allow","Action":"*"},{}]`), sts.CodeMalformedPolicyDocument},
		{"no effect", statement(`{"Action":"*"}`), sts.CodeMalformedPolicyDocument},
		{"effect's case", statement(`{"Effect":"allow","Action":"*"}`), sts.CodeMalformedPolicyDocument},
		{"effects", statement(`{"Effect":["Allow"],"Action":"*"}`), sts.CodeMalformedPolicyDocument},
		{"no action", statement(`{"Effect":"Allow","Resource":"*"}`), sts.CodeMalformedPolicyDocument},
		{"both actions", statement(`{"Effect":"Allow","Action":"*","NotAction":"*"}`), sts.CodeMalformedPolicyDocument},
		{"both resources", statement(`{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}`), sts.CodeMalformedPolicyDocument},
		{"actions empty", statement(`{"Effect":"Allow","Action":[]}`), sts.CodeMalformedPolicyDocument},
		{"action empty", statement(`{"Effect":"Allow","Action":""}`), sts.CodeMalformedPolicyDocument},
		{"action a number", statement(`{"Effect":"Allow","Action":[1]}`), sts.CodeMalformedPolicyDocument},
		{"condition a string", statement(`{"Effect":"Allow","Action":"*","Condition":"c"}`), sts.CodeMalformedPolicyDocument},
		{"principal", statement(`{"Effect":"Allow","Action":"*","Principal":"*"}`), sts.CodeMalformedPolicyDocument},
		{"statement twice", `{"Statement":{"Effect":"Allow","Action":"*"},"Statement":{"Effect":"Deny","Action":"*"}}`, sts.CodeMalformedPolicyDocument},
		{"effect twice", statement(`{"Effect":"Allow","Effect":"Deny","Action":"*"}`), sts.CodeMalformedPolicyDocument},
		{"effect twice, escaped", statement(`{"Effect":"Allow","\u0045ffect":"Deny","Action":"*"}`), sts.CodeMalformedPolicyDocument},
		{"twice, deep", statement(`{"Effect":"Allow","Action":"*","Condition":{"Bool":{"k":"a","k":"b"}}}`), sts.CodeMalformedPolicyDocument},
		{"deep", statement(`{"Effect":"Allow","Action":"*","Condition":{"c":` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `}}`), sts.CodeMalformedPolicyDocument},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := start
			b, req := builtin(t, &now, key(1)), request()
			req.Policy = tt.policy
			c, err := b.Assume(context.Background(), req)
			if got := code(err); got != tt.want {
				t.Fatalf("code: got %q, want %q", got, tt.want)
			}
			if err != nil {
				if len(tt.policy) > 4 && strings.Contains(err.Error(), tt.policy) {
					t.Error("refusal repeats the policy")
				}
				return
			}
			if s, err := b.Open(c.AccessKeyID, c.SessionToken); err != nil || s.Policy != tt.policy {
				t.Errorf("session: got %v, want one with the policy as it was given", err)
			}
		})
	}
}

func TestManagedPolicies(t *testing.T) {
	of := func(account, resource string) string { return "arn:aws:iam::" + account + ":" + resource }
	numbered := func(n int) (arns []string) {
		for i := range n {
			arns = append(arns, of("aws", fmt.Sprintf("policy/P%d", i)))
		}
		return arns
	}
	// long has n characters.
	long := func(n int) string {
		base := of(account, "policy/") + strings.Repeat("p", 127) + "/"
		return base + strings.Repeat("x", n-len(base))
	}
	longest := of(account, "policy/"+strings.Repeat("p", 512)+"/"+strings.Repeat("x", 128))
	for _, tt := range []struct {
		name string
		arns []string
		want string
	}{
		{"none", []string{}, ""},
		{"of AWS", []string{policyARN}, ""},
		{"of the account, with path", []string{of(account, "policy/team/x/P")}, ""},
		{"of another account", []string{of("999999999999", "policy/P")}, sts.CodeValidation},
		{"of none", []string{of("", "policy/PPPPPPPPPP")}, sts.CodeValidation},
		{"a role", []string{of(account, "role/P")}, sts.CodeValidation},
		{"no name", []string{of(account, "policy/")}, sts.CodeValidation},
		{"path empty inside", []string{of(account, "policy/a//b")}, sts.CodeValidation},
		{"name's alphabet", []string{of(account, "policy/a*")}, sts.CodeValidation},
		{"another partition", []string{"arn:aws-cn:iam::aws:policy/P"}, sts.CodeValidation},
		{"another service", []string{"arn:aws:sts::aws:policy/P"}, sts.CodeValidation},
		{"a region", []string{"arn:aws:iam:us-east-1:aws:policy/P"}, sts.CodeValidation},
		{"second wrong", []string{policyARN, "arn:aws:iam::aws:role/P"}, sts.CodeValidation},
		{"under", []string{"arn:aws:iam::aws:po"}, sts.CodeValidation},
		{"empty", []string{""}, sts.CodeValidation},
		{"over", []string{strings.Repeat("a", 2049)}, sts.CodeValidation},
		{"longest name and path", []string{longest}, ""},
		{"name over", []string{longest + "x"}, sts.CodeValidation},
		{"ten", numbered(10), ""},
		{"eleven", numbered(11), sts.CodeValidation},
		{"repeated", []string{policyARN, of("aws", "policy/P"), policyARN}, sts.CodeValidation},
		{"a megabyte of them", slices.Repeat([]string{policyARN}, 20000), sts.CodeValidation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := start
			req := request()
			req.PolicyARNs = tt.arns
			_, err := builtin(t, &now, key(1)).Assume(context.Background(), req)
			if got := code(err); got != tt.want {
				t.Errorf("code: got %q, want %q", got, tt.want)
			}
			if err != nil && len(err.Error()) > 4096 {
				t.Errorf("refusal: got %d characters, want few", len(err.Error()))
			}
		})
	}
	t.Run("together", func(t *testing.T) {
		now := start
		b, req := builtin(t, &now, key(1)), request()
		req.Policy, req.PolicyARNs = sized(1848, "x"), []string{long(200)}
		c := assume(t, b, req)
		if s, err := b.Open(c.AccessKeyID, c.SessionToken); err != nil || s.Policy != req.Policy || !slices.Equal(s.PolicyARNs, req.PolicyARNs) {
			t.Errorf("2048 characters: got %v, want a session with the policies", err)
		}
		for n, want := range map[int]string{201: "101%", 220: "101%", 221: "102%", 253: "103%"} {
			req.PolicyARNs = []string{long(n)}
			_, err := b.Assume(context.Background(), req)
			want := "PackedPolicyTooLarge: Packed size of session policy consumes " + want + " of allotted space."
			if err == nil || err.Error() != want {
				t.Errorf("%d characters: got %v, want %s", 1848+n, err, want)
			}
		}
	})
}

// Whatever a session was limited by when it was sealed, it says so when opened.
func TestLimitedSessionsOpenToTheSame(t *testing.T) {
	name := rapid.StringMatching(`[\w+=,.@-]{1,40}`)
	rapid.Check(t, func(rt *rapid.T) {
		now := start
		b, req := builtin(t, &now, key(1)), request()
		req.Identity.AMR = rapid.SliceOfN(name, 0, 4).Draw(rt, "amr")
		req.PolicyARNs = rapid.SliceOfNDistinct(rapid.Map(name, func(n string) string {
			return "arn:aws:iam::" + account + ":policy/" + n
		}), 0, 10, rapid.ID).Draw(rt, "arns")
		if rapid.Bool().Draw(rt, "inline") {
			statement := map[string]any{
				"Effect": rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(rt, "effect"),
				"Action": rapid.SliceOfN(name, 1, 4).Draw(rt, "actions"),
			}
			text, err := json.MarshalIndent(map[string]any{"Statement": statement}, "", " ")
			if err != nil {
				rt.Fatal(err)
			}
			req.Policy = string(text)
		}
		c := assume(t, b, req)
		s, err := b.Open(c.AccessKeyID, c.SessionToken)
		if err != nil {
			rt.Fatalf("Open: got %v, want a session", err)
		}
		got := []any{s.Policy, s.PolicyARNs, s.AMR, s.SessionName, s.Subject}
		want := []any{req.Policy, req.PolicyARNs, req.Identity.AMR, req.SessionName, req.Identity.Subject}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			rt.Fatalf("session (-want +got):\n%s", d)
		}
	})
}

// Whatever is taken for a policy is one by a reading that is not ours: an object
// that encoding/json understands, each of its statements with an effect.
func FuzzPolicy(f *testing.F) {
	for _, s := range []string{policy, sized(60, "é"), `{"Statement":[]}`, `{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*"}}`, "[1,]", "{", "\xff"} {
		f.Add(s)
	}
	now := start
	b := builtin(f, &now, key(1))
	f.Fuzz(func(t *testing.T, text string) {
		req := request()
		req.Policy = text
		c, err := b.Assume(context.Background(), req)
		if err != nil {
			switch code(err) {
			case sts.CodeValidation, sts.CodeMalformedPolicyDocument, sts.CodePackedPolicyTooLarge:
				return
			}
			t.Fatalf("got code %q", code(err))
		}
		if s, err := b.Open(c.AccessKeyID, c.SessionToken); err != nil || s.Policy != text {
			t.Fatalf("session: got %v, want one with the policy", err)
		}
		if text == "" {
			return
		}
		var doc struct{ Statement json.RawMessage }
		if err := json.Unmarshal([]byte(text), &doc); err != nil || utf8.RuneCountInString(text) > 2048 {
			t.Fatalf("taken, though: %v, %d bytes", err, len(text))
		}
		type statement struct{ Effect string }
		list := make([]statement, 1)
		if json.Unmarshal(doc.Statement, &list[0]) != nil {
			err = json.Unmarshal(doc.Statement, &list)
		}
		for _, s := range list {
			if err != nil || s.Effect != "Allow" && s.Effect != "Deny" {
				t.Fatalf("taken, though a statement has effect %q (%v)", s.Effect, err)
			}
		}
	})
}
