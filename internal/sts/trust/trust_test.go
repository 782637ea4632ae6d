package trust_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/sts/trust"
)

const pool = "us-east-1:00000000-0000-4000-8000-000000000001"

var (
	user  = trust.Request{Provider: "cognito-identity.amazonaws.com", Audience: pool, Subject: "us-east-1:aa", AMR: []string{"authenticated", "graph.facebook.com", "graph.facebook.com:1:2"}, SessionName: "CognitoIdentityCredentials"}
	guest = trust.Request{Provider: "cognito-identity.amazonaws.com", Audience: pool, Subject: "us-east-1:bb", AMR: []string{"unauthenticated"}, SessionName: "CognitoIdentityCredentials"}
)

// console is the policy that Cognito's console writes.
func console(amr string) string {
	return `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"Federated": "cognito-identity.amazonaws.com"},
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {"cognito-identity.amazonaws.com:aud": "` + pool + `"},
        "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "` + amr + `"}
      }
    }
  ]
}`
}

// with is a policy of one statement with these conditions, for both actions.
func with(conditions string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},
"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{` + conditions + `}}}`
}

func decide(t interface {
	Helper()
	Fatal(...any)
}, text string, r trust.Request) trust.Decision {
	t.Helper()
	p, err := trust.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p.Decide(r)
}

func TestConsolesPolicies(t *testing.T) {
	stranger := user
	stranger.Audience = "us-east-1:00000000-0000-4000-8000-000000000002"
	other := user
	other.Provider = "idp.example"
	for _, c := range []struct {
		name, policy string
		request      trust.Request
		want         string // of the refusal
		line         int
	}{
		{"a user", console("authenticated"), user, "", 4},
		{"a guest for users", console("authenticated"), guest, "condition ForAnyValue:StringLike on cognito-identity.amazonaws.com:amr does not hold: the request has none of authenticated", 10},
		{"a guest", console("unauthenticated"), guest, "", 4},
		{"a user for guests", console("unauthenticated"), user, "condition ForAnyValue:StringLike on cognito-identity.amazonaws.com:amr does not hold: the request has none of unauthenticated", 10},
		{"another pool", console("authenticated"), stranger, "condition StringEquals on cognito-identity.amazonaws.com:aud does not hold: the request has none of " + pool, 9},
		{"another provider", console("authenticated"), other, "its Principal does not name the provider idp.example", 4},
		{"a typo in the host", strings.ReplaceAll(console("authenticated"), `"Federated": "cognito-identity.amazonaws.com"`, `"Federated": "cognito-identify.amazonaws.com"`), user, "its Principal does not name the provider cognito-identity.amazonaws.com", 4},
		{"a typo in the action", strings.ReplaceAll(console("authenticated"), "sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"), user, "its Action does not name sts:AssumeRoleWithWebIdentity", 4},
	} {
		got := decide(t, c.policy, c.request)
		if got.Allowed != (c.want == "") || got.Reason != c.want || got.Line != c.line || got.Statement != "1" {
			t.Errorf("%s: got %+v, want %q at line %d", c.name, got, c.want, c.line)
		}
	}
}

// Operators as IAM has them: on keys of one value, of several, and that are not
// there.
func TestConditions(t *testing.T) {
	tagged := user
	tagged.Tags = map[string]string{"Team": "sales", "cost": "1"}
	const amr, sub, tag = `"cognito-identity.amazonaws.com:amr"`, `"cognito-identity.amazonaws.com:sub"`, `"aws:RequestTag/team"`
	for _, c := range []struct {
		conditions string
		request    trust.Request
		want       bool
	}{
		{``, user, true},
		{`"StringEquals":{` + sub + `:"us-east-1:aa"}`, user, true},
		{`"StringEquals":{` + sub + `:["x","us-east-1:aa"]}`, user, true},
		{`"StringEquals":{` + sub + `:"us-east-1:*"}`, user, false},
		{`"StringEquals":{` + sub + `:"US-EAST-1:aa"}`, user, false},
		{`"StringEqualsIgnoreCase":{` + sub + `:"US-EAST-1:aa"}`, user, true},
		{`"StringNotEquals":{` + sub + `:"us-east-1:aa"}`, user, false},
		{`"StringNotEquals":{` + sub + `:["a","b"]}`, user, true},
		{`"StringNotEqualsIgnoreCase":{` + sub + `:"US-EAST-1:AA"}`, user, false},
		{`"StringLike":{` + sub + `:"us-east-?:a*"}`, user, true},
		{`"StringLike":{` + sub + `:"*b"}`, user, false},
		{`"StringNotLike":{` + sub + `:"us-*"}`, user, false},
		{`"StringEquals":{"COGNITO-identity.amazonaws.com:SUB":"us-east-1:aa"}`, user, true},
		{`"StringLike":{"sts:RoleSessionName":"Cognito*"}`, user, true},
		{`"StringEquals":{` + sub + `:"us-east-1:aa"},"StringLike":{"sts:RoleSessionName":"x*"}`, user, false},

		{`"ForAnyValue:StringEquals":{` + amr + `:"authenticated"}`, user, true},
		{`"ForAnyValue:StringEquals":{` + amr + `:"auth*"}`, user, false},
		{`"ForAnyValue:StringLike":{` + amr + `:"graph.facebook.com:*"}`, user, true},
		{`"ForAnyValue:StringNotEquals":{` + amr + `:"authenticated"}`, user, true},
		{`"ForAnyValue:StringNotEquals":{` + amr + `:"unauthenticated"}`, guest, false},
		{`"ForAllValues:StringLike":{` + amr + `:["authenticated","graph.*"]}`, user, true},
		{`"ForAllValues:StringLike":{` + amr + `:["authenticated"]}`, user, false},
		{`"ForAllValues:StringNotEquals":{` + amr + `:"unauthenticated"}`, user, true},
		{`"ForAllValues:StringNotEquals":{` + amr + `:"authenticated"}`, user, false},
		{`"ForAnyValue:StringEquals":{"aws:TagKeys":"cost"}`, tagged, true},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["cost","Team"]}`, tagged, true},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["cost","team"]}`, tagged, false},
		{`"StringEquals":{` + tag + `:"sales"}`, tagged, true},
		{`"StringEquals":{` + tag + `:"Sales"}`, tagged, false},

		{`"StringEquals":{` + tag + `:"sales"}`, user, false},
		{`"StringNotEquals":{` + tag + `:"sales"}`, user, true},
		{`"StringEqualsIfExists":{` + tag + `:"sales"}`, user, true},
		{`"StringEqualsIfExists":{` + tag + `:"sales"}`, tagged, true},
		{`"StringEqualsIfExists":{` + tag + `:"other"}`, tagged, false},
		{`"ForAnyValue:StringLike":{"aws:TagKeys":"*"}`, user, false},
		{`"ForAnyValue:StringNotLike":{"aws:TagKeys":"x"}`, user, false},
		{`"ForAllValues:StringLike":{"aws:TagKeys":"x"}`, user, true},
		{`"Null":{` + tag + `:"true"}`, user, true},
		{`"Null":{` + tag + `:true}`, tagged, false},
		{`"Null":{` + tag + `:"false"}`, tagged, true},
		{`"Null":{` + amr + `:false}`, user, true},
	} {
		if got := decide(t, with(c.conditions), c.request); got.Allowed != c.want {
			t.Errorf("%s of %v: got %+v, want %v", c.conditions, c.request.Subject, got, c.want)
		}
	}
}

func TestStatements(t *testing.T) {
	statement := func(effect, principal, action string) string {
		return `{"Sid":"` + effect + `s","Effect":"` + effect + `","Principal":` + principal + `,"Action":` + action + `}`
	}
	const assume = `"sts:AssumeRoleWithWebIdentity"`
	tagged := user
	tagged.Tags = map[string]string{"a": "b"}
	for _, c := range []struct {
		name       string
		statements string
		request    trust.Request
		want       string
	}{
		{"allowed", statement("Allow", cognito, assume), user, ""},
		{"anyone", statement("Allow", `"*"`, `"sts:*"`), user, ""},
		{"any federated one", statement("Allow", `{"Federated":["x","*"]}`, `"*"`), user, ""},
		{"denied, allowed later", statement("Deny", cognito, assume) + "," + statement("Allow", cognito, assume), user, "it is denied explicitly"},
		{"allowed, denied later", statement("Allow", cognito, assume) + "," + statement("Deny", `"*"`, `"sts:Assume*"`), user, "it is denied explicitly"},
		{"another is denied", statement("Allow", cognito, assume) + "," + statement("Deny", `{"Federated":"x"}`, assume), user, ""},
		{"denials alone", statement("Deny", `{"Federated":"x"}`, assume), user, "no statement allows sts:AssumeRoleWithWebIdentity"},
		{"a service", statement("Allow", `{"Service":"ec2.amazonaws.com","AWS":["1","2"]}`, `"*"`), user, "its Principal does not name the provider cognito-identity.amazonaws.com"},
		{"a prefix of the provider", statement("Allow", `{"Federated":"cognito-*"}`, `"*"`), user, "its Principal does not name the provider cognito-identity.amazonaws.com"},
		{"case of actions", statement("Allow", cognito, `"STS:assumerolewithwebidentity"`), user, ""},
		{"tags without leave", statement("Allow", cognito, assume), tagged, "the session has tags, and sts:TagSession is refused: its Action does not name sts:TagSession"},
		{"tags with leave elsewhere", statement("Allow", cognito, assume) + "," + strings.Replace(statement("Allow", cognito, `"sts:TagSession"`), "Allows", "Tags", 1), tagged, ""},
		{"tags denied", statement("Allow", cognito, `"sts:*"`) + "," + statement("Deny", cognito, `"sts:TagSession"`), tagged, "the session has tags, and sts:TagSession is refused: it is denied explicitly"},
	} {
		got := decide(t, `{"Statement":[`+c.statements+`]}`, c.request)
		if got.Allowed != (c.want == "") || got.Reason != c.want {
			t.Errorf("%s: got %+v, want %q", c.name, got, c.want)
		}
	}
	if (trust.Decision{}).Allowed || (&trust.Policy{}).Decide(user).Allowed {
		t.Error("nothing allows: got allowed")
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                       "line 1: the policy is not JSON: it ends too early",
		`{`:                      "line 1: the policy is not JSON: it ends too early",
		`[]`:                     "line 1: a policy is a list; expected an object",
		`{}`:                     "line 1: the policy has no Statement",
		`{"Statement":[]}`:       "line 1: the policy has no Statement",
		`{"Statement":[]} {}`:    "line 1: something follows the policy",
		`{"Statement":[],"S":1}`: `line 1: "S" is not known in a policy`,
		"{\"Version\":\"2012-10-17\",\n\"Version\":\"2012-10-17\"}":                              `line 2: "Version" stands twice`,
		`{"Version":"2020-01-01"}`:                                                               `line 1: Version is "2020-01-01"; expected "2012-10-17"`,
		`{"Statement":{"Effect":"allow"}}`:                                                       `line 1: statement 1: Effect is "allow"; expected Allow or Deny`,
		`{"Statement":{"Effect":"Allow","Principal":"*"}}`:                                       "line 1: statement 1: it has no Action",
		`{"Statement":{"Effect":"Allow","Action":"*"}}`:                                          "line 1: statement 1: it has no Principal",
		`{"Statement":{"Principal":"*","Action":"*"}}`:                                           "line 1: statement 1: it has no Effect",
		`{"Statement":{"Effect":"Allow","NotPrincipal":"*"}}`:                                    `line 1: statement 1: "NotPrincipal" is not known in a statement`,
		`{"Statement":{"Effect":"Allow","Principal":"me"}}`:                                      `line 1: statement 1: Principal is "me"; expected "*" or {"Federated": …}`,
		with(`"StringMatches":{"cognito-identity.amazonaws.com:aud":"x"}`):                       `line 2: statement 1: the operator "StringMatches" is not known; expected StringEquals, StringLike or another of strings, or Null`,
		with(`"ForAnyValue:ForAllValues:StringLike":{"cognito-identity.amazonaws.com:amr":"x"}`): `line 2: statement 1: the operator "ForAnyValue:ForAllValues:StringLike" is not known; expected StringEquals, StringLike or another of strings, or Null`,
		with(`"StringEquals":{"cognito-identify.amazonaws.com:aud":"x"}`):                        `line 2: statement 1: the condition key "cognito-identify.amazonaws.com:aud" is not known; expected cognito-identity.amazonaws.com:aud, amr or sub, aws:RequestTag/…, aws:TagKeys or sts:RoleSessionName`,
		with(`"StringEquals":{"aws:RequestTag/":"x"}`):                                           `line 2: statement 1: the condition key "aws:RequestTag/" is not known; expected cognito-identity.amazonaws.com:aud, amr or sub, aws:RequestTag/…, aws:TagKeys or sts:RoleSessionName`,
		with(`"StringEquals":{"cognito-identity.amazonaws.com:amr":"authenticated"}`):            "line 2: statement 1: cognito-identity.amazonaws.com:amr holds several values; expected ForAnyValue:StringEquals or ForAllValues:StringEquals",
		with(`"StringEquals":{"cognito-identity.amazonaws.com:sub":"${aws:userid}"}`):            "line 2: statement 1: cognito-identity.amazonaws.com:sub has a policy variable; none is known here",
		with(`"StringEquals":{"cognito-identity.amazonaws.com:sub":[]}`):                         "line 2: statement 1: cognito-identity.amazonaws.com:sub has no values",
		with(`"StringEquals":{"cognito-identity.amazonaws.com:sub":1}`):                          "line 2: statement 1: cognito-identity.amazonaws.com:sub holds a number or null; expected text",
		with(`"Null":{"aws:TagKeys":"maybe"}`):                                                   `line 2: statement 1: aws:TagKeys of Null is "maybe"; expected true or false`,
		with(`"ForAnyValue:Null":{"aws:TagKeys":"true"}`):                                        `line 2: statement 1: the operator "ForAnyValue:Null" is not known; expected StringEquals, StringLike or another of strings, or Null`,
		strings.Repeat(" ", 4097):                                                                "line 1: the policy has 4097 bytes; expected at most 4096",
		"{\"Statement\":\"\xff\"}":                                                               "line 1: the policy is not Unicode text",
	} {
		if _, err := trust.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%.80q: got %v, want %s", text, err, want)
		}
	}
}

// To add a Deny never permits, and a policy without a statement for the provider
// never does.
func TestDenyNeverPermits(t *testing.T) {
	conditions := rapid.SampledFrom([]string{
		``, `"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"auth*"}`, `"StringNotLike":{"cognito-identity.amazonaws.com:sub":"*a"}`,
		`"Null":{"aws:TagKeys":"true"}`, `"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}`, `"StringEqualsIfExists":{"aws:RequestTag/a":"b"}`,
	})
	statement := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(`{"Effect":%q,"Principal":{"Federated":%q},"Action":%q,"Condition":{%s}}`,
			rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect"),
			rapid.SampledFrom([]string{"cognito-identity.amazonaws.com", "*", "idp.example"}).Draw(t, "principal"),
			rapid.SampledFrom([]string{"sts:AssumeRoleWithWebIdentity", "sts:*", "sts:TagSession"}).Draw(t, "action"),
			conditions.Draw(t, "condition"))
	})
	rapid.Check(t, func(t *rapid.T) {
		statements := rapid.SliceOfN(statement, 1, 4).Draw(t, "statements")
		r := rapid.SampledFrom([]trust.Request{user, guest}).Draw(t, "request")
		r.Tags = rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.SampledFrom([]string{"b", "x"}), 0, 2).Draw(t, "tags")
		policy := func(list []string) string { return `{"Statement":[` + strings.Join(list, ",") + `]}` }
		before := decide(t, policy(statements), r)
		deny := strings.Replace(statement.Draw(t, "more"), `"Allow"`, `"Deny"`, 1)
		if after := decide(t, policy(append(statements, deny)), r); after.Allowed && !before.Allowed {
			t.Fatalf("a Deny more: got %+v, was %+v", after, before)
		}
		other := r
		other.Provider = "somebody.else"
		if got := decide(t, strings.ReplaceAll(policy(statements), `"Federated":"*"`, `"Federated":"x"`), other); got.Allowed {
			t.Fatalf("another provider: got %+v", got)
		}
	})
}

// StringLike is what a regular expression of the same meaning says.
func TestLike(t *testing.T) {
	letters := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?é.")), 0, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		pattern, text := letters.Draw(t, "pattern"), letters.Draw(t, "text")
		expression := strings.NewReplacer(`\*`, `(?s:.*)`, `\?`, `(?s:.)`).Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile(`\A` + expression + `\z`).MatchString(text)
		r := user
		r.SessionName = text
		got := decide(t, with(fmt.Sprintf(`"StringLike":{"sts:RoleSessionName":%q}`, pattern)), r).Allowed
		if got != (want && text != "") { // an empty value is none
			t.Fatalf("%q like %q: got %v, want %v", text, pattern, got, want)
		}
	})
	r := user
	r.SessionName = strings.Repeat("a", 2000) // would take ages if it were exponential
	if decide(t, with(`"StringLike":{"sts:RoleSessionName":"`+strings.Repeat("*a", 100)+`*b"}`), r).Allowed {
		t.Error("a name without b: got a match")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{console("authenticated"), with(`"Null":{"aws:TagKeys":true}`), `{"Statement":[[]]}`, `{`, policy(allowAll), policy(`{"Sid":"a","Effect":"Deny","Principal":{"AWS":["*"]},"Action":["sts:TagSession"]}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := trust.Parse(text)
		if err != nil {
			return
		}
		trust.Warnings(p) // it may say what it likes, and must not panic
		for _, r := range []trust.Request{user, guest, {}} {
			got := p.Decide(r)
			if r.Provider == "" && got.Allowed {
				t.Errorf("nobody: got %+v", got)
			}
			if got.Allowed != (got.Reason == "") || got.Allowed && got.Statement == "" {
				t.Errorf("got %+v", got)
			}
			if got.Line < 0 || got.Line > 1+strings.Count(text, "\n") {
				t.Errorf("got line %d of %d", got.Line, 1+strings.Count(text, "\n"))
			}
		}
	})
}
