package awswire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

const describe = `{"IdentityPoolId":"` + pool + `"}`

func described() *awswire.Request { return call("DescribeIdentityPool", describe) }

func TestAuthenticate(t *testing.T) {
	sealed, c := issue(t, signedAt)
	_, old := issue(t, signedAt.Add(-2*time.Hour))
	broken := sessionsFunc(func(string, string) (*sts.Session, error) { return nil, errors.New("SECRET") })
	const (
		unrecognized = "UnrecognizedClientException"
		invalid      = "InvalidSignatureException"
		mismatch     = "The request signature we calculated does not match"
	)
	session := signing{name: c.AccessKeyID, secret: c.SecretAccessKey, token: c.SessionToken}
	with := func(change func(*signing)) signing { s := session; change(&s); return s }
	tests := []struct {
		name     string
		signing  signing
		sessions awswire.Sessions
		code     string
		message  string
	}{
		{"good", signing{}, sealed, "", ""},
		{"another region", signing{region: "eu-central-1"}, sealed, "", ""},
		{"oldest", signing{at: signedAt.Add(-5 * time.Minute)}, sealed, "", ""},
		{"furthest ahead", signing{at: signedAt.Add(5 * time.Minute)}, sealed, "", ""},
		{"too old", signing{at: signedAt.Add(-5*time.Minute - time.Second)}, sealed, invalid, "Signature expired: 20260304T050106Z is now earlier than 20260304T050107Z"},
		{"too far ahead", signing{at: signedAt.Add(5*time.Minute + time.Second)}, sealed, invalid, "Signature not yet current"},
		{"another service", signing{service: "sts"}, sealed, invalid, "Credential should be scoped to correct service: 'cognito-identity'."},
		{"another's secret", signing{name: accessKey("boss"), secret: "SECRET-idle"}, sealed, invalid, mismatch},
		{"without scopes", signing{name: "idle"}, sealed, cognito.CodeAccessDenied, "User: arn:aws:iam::" + account + ":user/idle is not authorized to perform: cognito-identity:DescribeIdentityPool"},
		{"unknown access key", signing{name: "nobody"}, sealed, unrecognized, "The security token included in the request is invalid."},
		{"unknown access key, dummy secret", signing{name: "AKIDNOBODY", secret: strings.Repeat("0", 40)}, sealed, unrecognized, ""},
		{"unknown access key, no sessions", signing{name: "nobody"}, nil, unrecognized, ""},
		{"session", session, sealed, cognito.CodeAccessDenied, "Credentials of a session are good for GetCallerIdentity only."},
		{"session, wrong secret", with(func(s *signing) { s.secret = "SECRET" }), sealed, unrecognized, ""},
		{"session, no token", with(func(s *signing) { s.token = "" }), sealed, unrecognized, ""},
		{"session, changed token", with(func(s *signing) { s.token = "B" + s.token[1:] }), sealed, unrecognized, ""},
		{"session for another service", with(func(s *signing) { s.service = "sts" }), sealed, unrecognized, ""},
		{"session of nobody", session, nil, unrecognized, ""},
		{"expired session", signing{name: old.AccessKeyID, secret: old.SecretAccessKey, token: old.SessionToken}, sealed, unrecognized, ""},
		{"caller with a session's token", signing{name: accessKey("boss"), secret: "SECRET-boss", token: c.SessionToken}, sealed, unrecognized, ""},
		{"caller with any token", signing{name: accessKey("boss"), secret: "SECRET-boss", token: "x"}, sealed, unrecognized, ""},
		{"broken STS", session, broken, cognito.CodeInternal, "Internal error."},
	}
	for _, tt := range tests {
		f := &fake{}
		s := guarded(f, awswire.Config{Callers: knownCallers(t), Sessions: tt.sessions})
		r := tt.signing.sign(t, described())
		got := s.Serve(t.Context(), r)
		status := 400
		switch tt.code {
		case "":
			status = 200
		case cognito.CodeInternal:
			status = 500
		}
		if got.Status != status || got.Code != tt.code || !strings.Contains(string(got.Body), tt.message) {
			t.Errorf("%s: got %d %s %s, want %d %s %s", tt.name, got.Status, got.Code, got.Body, status, tt.code, tt.message)
		}
		if len(f.calls) > 0 != (status == 200) || strings.Contains(string(got.Body), "SECRET") {
			t.Errorf("%s: got calls %v, body %s", tt.name, f.calls, got.Body)
		}
		who, err := s.Authenticate(r)
		if wantErr := tt.code != "" && tt.name != "without scopes"; (err != nil) != wantErr || (who == nil) != wantErr {
			t.Errorf("%s: Authenticate: got %v, %v", tt.name, who, err)
		}
	}
}

func TestUnsigned(t *testing.T) {
	tests := []struct{ name, authorization, code, message string }{
		{"nothing", "", "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"API key", "Bearer SECRET-key-boss", "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"empty", "AWS4-HMAC-SHA256 ", "IncompleteSignatureException", "equal-sign"},
		{"other algorithm", "AWS4-ECDSA-P256-SHA256 Credential=x", "IncompleteSignatureException", "Unsupported AWS 'algorithm'"},
		{"cut off", "AWS4-HMAC-SHA256 Credential=x", "IncompleteSignatureException", "requires 'Signature' parameter."},
	}
	for _, tt := range tests {
		f := &fake{}
		r := described()
		if tt.authorization != "" {
			r.Headers = append(r.Headers, awswire.Header{Name: "Authorization", Value: tt.authorization})
		}
		got := guarded(f, awswire.Config{Callers: knownCallers(t)}).Serve(t.Context(), r)
		if got.Status != 400 || got.Code != tt.code || !strings.Contains(string(got.Body), tt.message) || len(f.calls) > 0 {
			t.Errorf("%s: got %d %s %s, want %s %s", tt.name, got.Status, got.Code, got.Body, tt.code, tt.message)
		}
	}
	if got := guarded(&fake{}, awswire.Config{}).Serve(t.Context(), signing{}.sign(t, described())); got.Code != "UnrecognizedClientException" {
		t.Errorf("no callers: got %s, want UnrecognizedClientException", got.Code)
	}
}

// A presigned request lives too long to do anything here. The SDK's signer takes
// the target along into the query; standing in a header it would be unsigned.
func TestPresigned(t *testing.T) {
	f := &fake{}
	s := guarded(f, awswire.Config{Callers: knownCallers(t)})
	r := signing{presigned: true}.sign(t, described())
	who, err := s.Authenticate(r)
	if who != nil || err == nil || cognito.Public(err).ErrorCode() != "IncompleteSignatureException" {
		t.Errorf("got %v, %v, want IncompleteSignatureException", who, err)
	}
	if got := s.Serve(t.Context(), r); got.Code != cognito.CodeUnknownOperation {
		t.Errorf("target in the query: got %s, want %s", got.Code, cognito.CodeUnknownOperation)
	}
	r.Headers = append(r.Headers, described().Headers[1])
	if got := s.Serve(t.Context(), r); got.Code != "InvalidSignatureException" || len(f.calls) > 0 {
		t.Errorf("target beside the query: got %s, calls %v, want InvalidSignatureException", got.Code, f.calls)
	}
}

// mutations are all single changes of a signed request, made of the request.
func mutations(r *awswire.Request) map[string]*awswire.Request {
	out := map[string]*awswire.Request{}
	edit := func(name string, change func(*awswire.Request)) {
		c := clone(r)
		change(c)
		out[name] = c
	}
	for i, h := range r.Headers {
		edit("without "+h.Name, func(c *awswire.Request) { c.Headers = append(c.Headers[:i], c.Headers[i+1:]...) })
		edit("twice "+h.Name, func(c *awswire.Request) { c.Headers = append(c.Headers, h) })
		edit("renamed "+h.Name, func(c *awswire.Request) { c.Headers[i].Name += "x" })
		edit("longer "+h.Name, func(c *awswire.Request) { c.Headers[i].Value += "x" })
		for j := range h.Value { // of the Authorization: access key, scope, signed headers, signature
			edit(fmt.Sprintf("%s, character %d", h.Name, j), func(c *awswire.Request) {
				c.Headers[i].Value = h.Value[:j] + string(h.Value[j]^1) + h.Value[j+1:]
			})
			if h.Value[j] == ' ' && h.Name == "Authorization" {
				continue // blanks after commas say nothing
			}
			edit(fmt.Sprintf("%s, without character %d", h.Name, j), func(c *awswire.Request) {
				c.Headers[i].Value = h.Value[:j] + h.Value[j+1:]
			})
		}
	}
	for i := range r.Body {
		edit(fmt.Sprint("body byte ", i), func(c *awswire.Request) { c.Body[i] ^= 1 })
	}
	edit("longer body", func(c *awswire.Request) { c.Body = append(c.Body, ' ') })
	edit("shorter body", func(c *awswire.Request) { c.Body = c.Body[:len(c.Body)-1] })
	edit("no body", func(c *awswire.Request) { c.Body = nil })
	edit("query", func(c *awswire.Request) { c.RawQuery = "a=b" })
	edit("signature in the query too", func(c *awswire.Request) { c.RawQuery = "X-Amz-Signature=x" })
	for _, method := range []string{"GET", "PUT", "post", "OPTIONS", "HEAD"} {
		edit("method "+method, func(c *awswire.Request) { c.Method = method })
	}
	for _, path := range []string{"", "//", "/x", "/.", "/%2F"} {
		edit("path "+path, func(c *awswire.Request) { c.Path = path })
	}
	for _, name := range awswire.Served() {
		edit("as "+name, func(c *awswire.Request) {
			for i := range c.Headers {
				if strings.EqualFold(c.Headers[i].Name, "X-Amz-Target") && !strings.HasSuffix(c.Headers[i].Value, "."+name) {
					c.Headers[i].Value = "AWSCognitoIdentityService." + name
				}
			}
		})
	}
	edit("an additional x-amz header", func(c *awswire.Request) {
		c.Headers = append(c.Headers, awswire.Header{Name: "X-Amz-Security-Token", Value: ""})
	})
	return out
}

func TestEveryMutationIsRefused(t *testing.T) {
	known := knownCallers(t)
	at := func(when time.Time, r *awswire.Request) (int, []string) {
		f := &fake{}
		got := guarded(f, awswire.Config{Callers: known, Now: func() time.Time { return when }}).Serve(t.Context(), r)
		return got.Status, f.calls
	}
	signed := map[string]bool{}
	for name, sample := range samples() {
		if awswire.AccessOf(name) == awswire.Unsigned {
			continue
		}
		good := signing{}.sign(t, call(name, fill(sample.body, pool, identity)))
		if status, calls := at(signedAt, good); status != 200 || len(calls) != 1 {
			t.Fatalf("%s as signed: got %d, calls %v", name, status, calls)
		}
		for what, r := range mutations(good) {
			unsigned := strings.HasPrefix(what, "as ") && awswire.AccessOf(what[3:]) == awswire.Unsigned
			if strings.HasPrefix(what, "as ") && what[3:] == name || unsigned {
				continue // the same, or for everybody
			}
			if status, calls := at(signedAt, r); status == 200 && r.Method != "OPTIONS" || len(calls) > 0 {
				t.Errorf("%s, %s: got %d, calls %v, want a refusal", name, what, status, calls)
			}
			signed[what] = true
		}
		for _, late := range []time.Duration{5*time.Minute + 1, -5*time.Minute - 1, time.Hour, -time.Hour, 24 * time.Hour} {
			if _, calls := at(signedAt.Add(late), good); len(calls) > 0 {
				t.Errorf("%s after %s: got calls %v, want a refusal", name, late, calls)
			}
		}
	}
	if len(signed) < 500 {
		t.Errorf("got %d kinds of changes, want all of a request", len(signed))
	}
}

// Signatures that need not be are not looked at, and give nobody a name.
func TestSignedUnsignedOperation(t *testing.T) {
	for name, sample := range samples() {
		if awswire.AccessOf(name) != awswire.Unsigned {
			continue
		}
		for what, s := range map[string]signing{
			"good": {}, "unknown": {name: "nobody"}, "wrong": {name: accessKey("boss"), secret: "x"}, "old": {at: signedAt.Add(-time.Hour)},
			"for another service": {service: "s3"}, "session": {name: "ASIAX", secret: "x", token: "y"},
		} {
			f := &fake{}
			r := s.sign(t, call(name, fill(sample.body, pool, identity)))
			guarded(f, awswire.Config{Callers: knownCallers(t)}).Serve(t.Context(), r)
			if len(f.calls) != 1 || f.by != "" {
				t.Errorf("%s, %s: got calls %v by %q, want one by nobody", name, what, f.calls, f.by)
			}
		}
	}
}

// Whoever may not call learns nothing of what is wrong with his input: it is not even decoded,
// which may take memory.
func TestOrderOfChecks(t *testing.T) {
	known := registry(t, person("local", []callers.Scope{callers.Admin}, pool), person("idle", nil, pool))
	for _, tt := range []struct{ name, who, body, code string }{
		{"broken JSON, unknown caller", "nobody", `{`, "UnrecognizedClientException"},
		{"broken JSON, known caller", "local", `{`, cognito.CodeSerialization},
		{"unknown caller, invalid", "nobody", `{}`, "UnrecognizedClientException"},
		{"no scope, invalid", "idle", `{}`, cognito.CodeAccessDenied},
		{"foreign pool, invalid", "local", `{"IdentityPoolId":"` + foreignPool + `"}`, cognito.CodeValidation},
		{"wrong type", "local", `{"IdentityPoolId":1}`, cognito.CodeSerialization},
		{"foreign pool", "local", `{"IdentityPoolName":"n","AllowUnauthenticatedIdentities":true,"IdentityPoolId":"` + foreignPool + `"}`, cognito.CodeAccessDenied},
	} {
		got := guarded(&fake{}, awswire.Config{Callers: known}).Serve(t.Context(), signing{name: tt.who}.sign(t, call("UpdateIdentityPool", tt.body)))
		if got.Code != tt.code {
			t.Errorf("%s: got %s, want %s", tt.name, got.Code, tt.code)
		}
	}
}
