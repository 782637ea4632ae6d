package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// trustingYAML has a role whose trust policy takes guests alone, on its third line.
const trustingYAML = `roles:
  - arn: arn:aws:iam::000000000000:role/guests-only
    trust_policy: |
      {"Statement": {"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"ForAnyValue:StringEquals": {"cognito-identity.amazonaws.com:amr": "unauthenticated"}}}}
`

// startRuled runs a broker with rules for the users of an identity provider.
func startRuled(t *testing.T) (*instance, *idptest.Issuer) {
	t.Helper()
	idp := idptest.Start(t)
	b := startBroker(t, []string{idp.URL}, trustingYAML)
	rule := func(value, role string) string {
		return `{"claim":"plan","matchType":"Equals","value":"` + value + `","roleArn":"arn:aws:iam::000000000000:role/` + role + `"}`
	}
	restAdmin{t, b}.call(put, "/v1/pools/"+demoPool+"/roles", `{"roles":{"authenticated":"`+authRole+`","unauthenticated":"`+unauthRole+`"},`+
		`"roleMappings":{"arn:aws:iam::000000000000:oidc-provider/`+idp.Name()+`":{"type":"Rules","ambiguousRoleResolution":"Deny",`+
		`"rulesConfiguration":{"rules":[`+rule("paid", "paid")+`,`+rule("odd", "guests-only")+`]}}}}`, 204)
	return b, idp
}

// The route says why, for support as on the command line, whether granted or
// denied; it shows nothing of a token but claims that rules name, changes nothing,
// and is what the call itself then gets.
func TestRESTExplain(t *testing.T) {
	t.Parallel()
	b, idp := startRuled(t)
	var guests [2]string
	for n := range guests {
		var err error
		if guests[n], err = b.getID(t.Context(), demoPool, nil); err != nil {
			t.Fatal(err)
		}
	}
	before := b.export(t)
	type asked struct {
		body    map[string]any
		refusal any // nil: granted
	}
	all := map[string]asked{}
	for name, c := range map[string]struct {
		claims idptest.Claims // nil: a guest
		body   map[string]any
		want   string // the granted role, or the refusal's name
		part   string // of the answer
	}{
		"a rule matches":   {idptest.Claims{"plan": "paid"}, nil, "arn:aws:iam::000000000000:role/paid", `rule 1","passed":true,"detail":"plan Equals \"paid\": the claim is \"paid\"`},
		"no rule matches":  {idptest.Claims{"plan": "free"}, nil, "NotAuthorizedException", `rule 2","passed":false`},
		"the trust policy": {idptest.Claims{"plan": "odd"}, nil, "InvalidIdentityPoolConfigurationException", `"check":"trust policy","passed":false,"detail":"statement 1, line 3: `},
		"another role":     {idptest.Claims{"plan": "paid"}, map[string]any{"customRoleArn": authRole}, "NotAuthorizedException", "offers CustomRoleArn"},
		"another client":   {idptest.Claims{"aud": "other"}, nil, "NotAuthorizedException", `"check":"login `},
		"a sign-in":        {idptest.Claims{"plan": "paid"}, map[string]any{"identityId": guests[0]}, "arn:aws:iam::000000000000:role/paid", "1 logins would be linked to it"},
		"a guest":          {nil, map[string]any{"logins": map[string]any{}}, unauthRole, "a new guest would be made"},
		"a known guest":    {nil, map[string]any{"identityId": guests[1]}, unauthRole, guests[1]},
		"no such identity": {nil, map[string]any{"identityId": noIdentity}, "ResourceNotFoundException", "not found"},
	} {
		body := map[string]any{}
		for member, value := range c.body {
			body[member] = value
		}
		var token string
		if c.claims != nil {
			c.claims["sub"], c.claims["secret"] = name, "hush"
			token = idp.Token(c.claims)
			body["logins"] = map[string]any{idp.Name(): token}
		}
		a := b.rest(t, demoPool, "explain", body, bearer(supportAPIKey)...)
		got, _ := a.tree["role"].(string)
		if a.tree["granted"] != true {
			got, _ = a.tree["code"].(string)
		}
		if a.status != 200 || got != c.want || !strings.Contains(string(a.body), c.part) || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %s, want %s with %s", name, a.status, a.body, c.want, c.part)
		}
		for _, part := range strings.Split(token, ".") {
			if part != "" && strings.Contains(string(a.body), part) {
				t.Errorf("%s: the answer holds a part of the token", name)
			}
		}
		if strings.Contains(string(a.body), "hush") {
			t.Errorf("%s: the answer holds a claim that no rule names", name)
		}
		all[name] = asked{body, a.tree["code"]}
		if diff := cmp.Diff(explainedByCommand(t, b, token, body), a.tree); diff != "" {
			t.Errorf("%s: the command and the route differ (-command +route):\n%s", name, diff)
		}
	}
	if after := b.export(t); after != before {
		t.Errorf("afterwards: got a store that differs, want it unchanged")
	}
	for name, q := range all {
		a := b.rest(t, demoPool, "credentials", q.body)
		if a.tree["code"] != q.refusal || (a.status == 200) != (q.refusal == nil) || a.status == 200 && a.header.Get("X-Cache") != "miss" {
			t.Errorf("%s: the call itself got %d %v, X-Cache %q; want what was explained, not cached", name, a.status, a.tree["code"], a.header.Get("X-Cache"))
		}
	}
}

// explainedByCommand is what the command prints of the same question.
func explainedByCommand(t *testing.T, i *instance, token string, body map[string]any) map[string]any {
	t.Helper()
	args := []string{"explain", "-config", i.config, "-json", "-pool", demoPool}
	if token != "" {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-token-file", file)
	}
	for flag, member := range map[string]string{"-identity": "identityId", "-role": "customRoleArn"} {
		if value, ok := body[member].(string); ok {
			args = append(args, flag, value)
		}
	}
	out, _ := i.command(t, args...) // a denial is an exit status
	var tree map[string]any
	if err := json.Unmarshal([]byte(out), &tree); err != nil {
		t.Fatalf("explain -json: %v in %s", err, out)
	}
	return tree
}

// export is all of the store.
func (i *instance) export(t *testing.T) string {
	t.Helper()
	out, err := i.command(t, "export", "-config", i.config)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Neither the scope admin nor another pool will do; what is asked has to make sense.
func TestRESTExplainRefuses(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	r := restRoute{method: post, path: "/v1/pools/POOL/explain", body: `{}`, bad: `{"identityId":"x"}`, other: http.MethodGet}
	checkRefusals(t, b, r, stewardAPIKey, supportAPIKey)
	for name, body := range map[string]string{
		"logins that are no object": `{"logins":["a"]}`, "a login that is no text": `{"logins":{"a":1}}`,
		"a role that is none": `{"customRoleArn":"x"}`, "the classic flow": `{"flow":"classic"}`, "another pool": `{"identityPoolId":"` + closedPool + `"}`,
	} {
		if a := r.with(t, b, post, "/v1/pools/"+demoPool+"/explain", body, supportAPIKey); a.status != 400 {
			t.Errorf("%s: got %d %s, want 400", name, a.status, a.body)
		}
	}
	// Who may explain may do nothing else.
	for _, other := range adminRoutes {
		if a := other.as(t, b, demoPool, supportAPIKey); a.status != 403 {
			t.Errorf("%s %s with the scope explain: got %d, want 403", other.method, other.path, a.status)
		}
	}
}

// In front of Cognito nothing is decided here.
func TestRESTExplainInFrontOfCognito(t *testing.T) {
	t.Parallel()
	engine := startBroker(t, nil, "")
	front := startUpstream(t, engine, engine.url, "")
	for key, want := range map[string]int{supportAPIKey: 501, adminAPIKey: 501, stewardAPIKey: 403, "": 401} {
		a := restRoute{}.with(t, front, post, "/v1/pools/"+demoPool+"/explain", `{}`, key)
		if a.status != want || want == 501 && a.tree["code"] != "NotImplemented" {
			t.Errorf("got %d %s, want %d", a.status, a.body, want)
		}
	}
}
