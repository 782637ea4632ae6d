package logins_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// Genuine tokens of mallory, signed by the issuer, in which another reader could find
// alice: each is refused.
func TestTwoReadersOfOneToken(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"sub", "iss", "aud", "azp", "exp", "nonce", "token_use"}).Draw(t, "name")
		folded := rapid.SampledFrom([]string{
			strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:],
			strings.NewReplacer("s", "\u017f", "k", "\u212a").Replace(name),
			strings.NewReplacer("s", `\u017f`, "k", `\u212A`).Replace(name),
		}).Draw(t, "folded")
		if folded == name {
			folded = strings.ToUpper(name)
		}
		value := rapid.SampledFrom([]string{`"alice"`, `""`, "null", "9999999999", `["web-app"]`}).Draw(t, "value")
		members := rapid.SampledFrom([]string{
			`"` + folded + `":` + value,
			`"sub":"alice"`, `"\u0073ub":"alice"`, `"aud":"web-app"`,
			`"x":{"y":[{"z":1,"z":2}]}`, `"x":"\ud800"`, `"x":["\udc00"]`, "\"x\":\"\xff\"", "\"\xff\":1", `"\ud800":1`,
		}).Draw(t, "members")
		proof, err := p.Prove(t.Context(), idp.Name(), idp.SignRaw(idp.Header(""), idp.Payload("mallory", ","+members)))
		if got := refusal(err); proof != nil || got != noToken {
			t.Fatalf("%s: got %q, want %q", members, got, noToken)
		}
	})
	for _, header := range []string{`,"KID":"k0"`, `,"ALG":"none"`, "\"\u212aid\":\"k0\"", `,"Typ":"at+jwt"`,
		`,"kid":"k0"`, `,"x":"\ud800"`, `,"kid2":{"a":1,"a":2}`} {
		_, err := p.Prove(t.Context(), idp.Name(), idp.SignRaw(idp.Header(header), idp.Payload("mallory", "")))
		if got := refusal(err); got != noToken {
			t.Errorf("header with %s: got %q, want %q", header, got, noToken)
		}
	}
	proof, err := p.Prove(t.Context(), idp.Name(),
		idp.SignRaw(idp.Header(""), idp.Payload("mallory", `,"name":"\ud83d\ude00","n":null`)))
	if err != nil || proof.Subject != "mallory" {
		t.Errorf("a token that reads in one way: got %v", err)
	}
}

// Texts that a lenient decoder takes for one subject are no subject at all.
func TestBrokenSubjects(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	payload := idp.Payload("SUBJECT", "")
	for _, sub := range []string{`\ud800`, `\ud801`, `\udfff`, "\xff", "\xed\xa0\x80", `a\ud800b`} {
		_, err := p.Prove(t.Context(), idp.Name(), idp.SignRaw(idp.Header(""), strings.Replace(payload, "SUBJECT", sub, 1)))
		if got := refusal(err); got != noToken {
			t.Errorf("%q: got %q, want %q", sub, got, noToken)
		}
	}
	for _, sub := range []string{`\ufffd`, `\ud83d\ude00`, `a\u0000b`} {
		if _, err := p.Prove(t.Context(), idp.Name(),
			idp.SignRaw(idp.Header(""), strings.Replace(payload, "SUBJECT", sub, 1))); err != nil {
			t.Errorf("%q: got %v, want a proof", sub, err)
		}
	}
}

// A token has one spelling, in all of its parts.
func TestOneSpelling(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	good := idp.Token(nil)
	parts := strings.Split(good, ".")
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(good)).Draw(t, "at")
		stray := rapid.SampledFrom([]string{"\n", "\r", "\r\n", " ", "\t", "=", "\x00", "."}).Draw(t, "stray")
		spelt := good[:at] + stray + good[at:]
		if proof, err := p.Prove(t.Context(), idp.Name(), spelt); proof != nil || refusal(err) != noToken {
			t.Fatalf("%q at %d: got %v, want %q", stray, at, err, noToken)
		}
	})
	for name, spelt := range map[string]string{
		"padded": good + "==", "Bearer": "Bearer " + good,
		"standard alphabet": parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2]),
	} {
		if spelt == good {
			continue // the signature has neither character
		}
		if _, err := p.Prove(t.Context(), idp.Name(), spelt); refusal(err) != noToken {
			t.Errorf("%s: got %v, want %q", name, err, noToken)
		}
	}
	if _, err := p.Prove(t.Context(), idp.Name(), good); err != nil {
		t.Errorf("the token itself: got %v", err)
	}
}

// What a provider signs for other purposes proves no login (RFC 8725, section 3.11).
func TestOtherKindsOfTokens(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	for name, f := range map[string]struct{ header, members, want string }{
		"no typ":                    {"", "", ""},
		"JWT":                       {`,"typ":"JWT"`, "", ""},
		"JOSE":                      {`,"typ":"JOSE"`, "", ""},
		"jwt":                       {`,"typ":"jwt"`, "", ""},
		"an ID token of a pool":     {"", `,"token_use":"id"`, ""},
		"an access token":           {`,"typ":"at+jwt"`, "", noToken},
		"an access token, spelt so": {`,"typ":"application/at+jwt"`, "", noToken},
		"a logout":                  {`,"typ":"logout+jwt"`, "", noToken},
		"no kind":                   {`,"typ":""`, "", ""},
		"not text":                  {`,"typ":["JWT"]`, "", noToken},
		"events":                    {"", `,"events":{"http://schemas.openid.net/event/backchannel-logout":{}}`, noToken},
		"events of nothing":         {"", `,"events":null`, noToken},
		"a pool's access token":     {"", `,"token_use":"access"`, noToken},
		"no use":                    {"", `,"token_use":null`, noToken},
		"Keycloak's ID token":       {`,"typ":"JWT"`, `,"typ":"ID","azp":"web-app","sid":"s","acr":"1"`, ""},
		"Keycloak's access token":   {`,"typ":"JWT"`, `,"typ":"Bearer","azp":"web-app","scope":"openid"`, noToken},
		"one bound by DPoP":         {`,"typ":"JWT"`, `,"typ":"DPoP","azp":"web-app","cnf":{"jkt":"x"}`, noToken},
		"Keycloak's refresh token":  {`,"typ":"JWT"`, `,"typ":"Refresh","azp":"web-app"`, noToken},
		"Keycloak's offline token":  {`,"typ":"JWT"`, `,"typ":"Offline","azp":"web-app"`, noToken},
		"Keycloak's logout":         {`,"typ":"JWT"`, `,"typ":"Logout"`, noToken},
		"an unknown claim typ":      {"", `,"typ":"verify-email"`, noToken},
		"claim typ in lower case":   {"", `,"typ":"id"`, noToken},
		"claim typ null":            {"", `,"typ":null`, noToken},
		"claim typ no text":         {"", `,"typ":["ID"]`, noToken},
		"token_type access":         {"", `,"token_type":"access"`, noToken},
		"token_type bearer":         {"", `,"token_type":"Bearer"`, noToken},
		"token_type refresh":        {"", `,"token_type":"refresh_token"`, noToken},
		"token_type with a hyphen":  {"", `,"token_type":"refresh-token"`, noToken},
		"token_type in camel case":  {"", `,"token_type":"accessToken"`, noToken},
		"token_type with a blank":   {"", `,"token_type":"Bearer "`, noToken},
		"token_type in a list":      {"", `,"token_type":["Bearer"]`, noToken},
		"token_type offline":        {"", `,"token_type":"offline"`, noToken},
		"token_type null":           {"", `,"token_type":null`, noToken},
		"tokenType refresh":         {"", `,"tokenType":"refresh-token"`, noToken},
		"tokenType access":          {"", `,"tokenType":"access-token"`, ""},
		"token_type by its URN":     {"", `,"token_type":"urn:ietf:params:oauth:token-type:access_token"`, noToken},
		"token_usage access":        {"", `,"token_usage":"access_token"`, noToken},
		"token_usage refresh":       {"", `,"token_usage":"refresh_token"`, noToken},
		"token_type of an ID token": {"", `,"token_type":"id_token"`, ""},
		"token_usage of one":        {"", `,"token_usage":"identity_token"`, ""},
		"token_type unknown":        {"", `,"token_type":"person"`, ""},
		"critical":                  {`,"crit":["exp"]`, "", unsigned},
		"unencoded":                 {`,"b64":false`, "", unsigned},
		"a key of its own":          {`,"jwk":{"kty":"RSA"}`, "", unsigned},
	} {
		_, err := p.Prove(t.Context(), idp.Name(), idp.SignRaw(idp.Header(f.header), idp.Payload("alice", f.members)))
		if got := refusal(err); err == nil && f.want != "" || err != nil && got != f.want {
			t.Errorf("%s: got %v, want %q", name, err, f.want)
		}
	}
}

// Answers that a provider signs for a client, without saying so of themselves, lack what an
// ID token has.
func TestSignedAnswersAreNoLogins(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	for name, f := range map[string]struct{ payload, want string }{
		"an authorisation response (JARM)": {`{"iss":"%s","aud":"web-app","exp":9999999999,"code":"x","state":"y"}`,
			"Invalid login token. Missing a required claim: sub"},
		"signed user info": {`{"iss":"%s","aud":"web-app","sub":"alice","email":"a@example.com"}`,
			"Invalid login token. Missing a required claim: exp"},
		"signed introspection": {`{"iss":"%s","aud":"web-app","iat":1,"token_introspection":{"sub":"alice",` +
			`"active":true}}`, "Invalid login token. Missing a required claim: sub"},
	} {
		_, err := p.Prove(t.Context(), idp.Name(), idp.SignRaw(idp.Header(`,"typ":"JWT"`), fmt.Sprintf(f.payload, idp.URL)))
		if got := refusal(err); got != f.want {
			t.Errorf("%s: got %q, want %q", name, got, f.want)
		}
	}
}

func TestSubjectsThatAreTooLong(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	if _, err := p.Prove(t.Context(), idp.Name(),
		idp.Token(idptest.Claims{"sub": strings.Repeat("a", 1024)})); err != nil {
		t.Errorf("1,024 bytes: got %v", err)
	}
	want := "Invalid login token. The claim sub is longer than 1024 bytes."
	if _, err := p.Prove(t.Context(), idp.Name(),
		idp.Token(idptest.Claims{"sub": strings.Repeat("a", 1025)})); refusal(err) != want {
		t.Errorf("1,025 bytes: got %v, want %q", err, want)
	}
}

// Who keeps an answer until the expiry that a token states must not be told another
// than the one who judges it reads.
func TestStatedExpiry(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	idp.SetNow(c.now)
	exp := time.Unix(c.now().Unix()+3600, 0)
	raw := func(members string) string { return idp.SignRaw(idp.Header(""), "{"+members+"}") }
	for name, f := range map[string]struct {
		token  string
		at     time.Time
		stated bool
		failed bool
	}{
		"stated":            {idp.Token(nil), exp, true, false},
		"none":              {raw(`"sub":"a"`), time.Time{}, false, false},
		"opaque":            {"EAABsbCS1iHgBA", time.Time{}, false, false},
		"opaque, with dots": {"a.b", time.Time{}, false, false},
		"stated twice":      {raw(fmt.Sprintf(`"exp":%d,"exp":1`, exp.Unix())), time.Time{}, false, true},
		"stated in two":     {raw(fmt.Sprintf(`"exp":%d,"EXP":1`, exp.Unix())), time.Time{}, false, true},
		"in capitals":       {raw(`"EXP":1`), time.Time{}, false, true},
		"not read":          {"a.b.c", time.Time{}, false, true},
		"beyond all times":  {raw(`"exp":1e18`), time.Time{}, false, true},
	} {
		at, stated, err := logins.StatedExpiry(f.token)
		if !at.Equal(f.at) || stated != f.stated || (err != nil) != f.failed {
			t.Errorf("%s: got %v, %v, %v; want %v, %v", name, at, stated, err, f.at, f.stated)
		}
	}
}
