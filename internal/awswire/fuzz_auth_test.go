package awswire_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/sts"
)

// FuzzAuthenticate lets in only who sends what was signed, whatever the headers
// that sign.
func FuzzAuthenticate(f *testing.F) {
	good := signing{}.sign(f, described())
	get := func(name string) string { v, _ := good.Header(name); return v }
	authorization, date := get("Authorization"), get("X-Amz-Date")
	for _, seed := range []string{
		authorization, strings.ToLower(authorization), "Bearer x", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
		strings.Replace(authorization, "/us-east-1/", "//", 1), strings.Replace(authorization, "AKIDEXAMPLEBOSS", "AKIDEXAMPLEIDLE", 1),
		strings.Replace(authorization, "x-amz-target", "", 1),
	} {
		f.Add(seed, date, "", "", good.Body)
		f.Add(seed, "20260304T050608Z", "X-Amz-Security-Token", "x", good.Body)
		f.Add(seed, "", "Date", "Wed, 04 Mar 2026 05:06:07 GMT", []byte("{}"))
	}
	known := knownCallers(f)
	f.Fuzz(func(t *testing.T, auth, when, name, value string, body []byte) {
		r := clone(good)
		for i := range r.Headers {
			switch r.Headers[i].Name {
			case "Authorization":
				r.Headers[i].Value = auth
			case "X-Amz-Date":
				r.Headers[i].Value = when
			}
		}
		if name != "" {
			r.Headers = append(r.Headers, awswire.Header{Name: name, Value: value})
		}
		r.Body = body
		api := &fake{}
		s := guarded(api, awswire.Config{Callers: known})
		who, err := s.Authenticate(r)
		if (who == nil) == (err == nil) {
			t.Fatalf("got %v, %v, want one of the two", who, err)
		}
		if who != nil && (who.Name() != "boss" || when != date || string(body) != string(good.Body) || !sameSignature(auth, authorization)) {
			t.Fatal("authenticated, yet nobody signed it")
		}
		if len(name)+len(value) > 0 && strings.EqualFold(name, "X-Amz-Target") {
			return // two targets are no call at all
		}
		got := s.Serve(t.Context(), r)
		checkEnvelope(t, got)
		if (len(api.calls) > 0) != (got.Status == 200) || got.Status == 200 && who == nil {
			t.Fatalf("got %d, calls %v by %v", got.Status, api.calls, who)
		}
	})
}

// sameSignature compares what an Authorization says; blanks and order say nothing.
func sameSignature(a, b string) bool {
	signature := func(s string) string { _, rest, _ := strings.Cut(s, "Signature="); return rest[:min(len(rest), 64)] }
	return signature(a) == signature(b)
}

// FuzzForm throws any form at AssumeRoleWithWebIdentity. The STS sees what the
// form says or nothing, and an XML answer goes out.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"", "&DurationSeconds=900", "&DurationSeconds=-0", "&DurationSeconds=99999999999", "&PolicyArns=", "&Policy=%7B%7D&ProviderId=www.amazon.com",
		"&PolicyArns.member.1.arn=" + policyARN + "&PolicyArns.member.2.arn=" + policyARN, "&PolicyArns.member.2.arn=" + policyARN,
		"&PolicyArns.member.01.arn=x", "&PolicyArns.member.1.ARN=x", "&PolicyArnsmember=1", "&RoleArn=x", "&%52oleArn=x", "&a=%00%ff", "&;&",
	} {
		f.Add(strings.TrimPrefix(assumeForm, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&") + seed)
		f.Add(strings.TrimPrefix(seed, "&"))
	}
	f.Fuzz(func(t *testing.T, parameters string) {
		a := &assumer{out: granted()}
		got := assuming(a).Serve(t.Context(), form("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"+parameters))
		if (a.calls == 1) != (got.Status == 200) || got.ContentType != "text/xml" {
			t.Fatalf("got %d %s, %d calls", got.Status, got.ContentType, a.calls)
		}
		var answer struct {
			Code string `xml:"Error>Code"`
			Key  string `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
		}
		if err := xml.Unmarshal(got.Body, &answer); err != nil || answer.Code != got.Code || (answer.Key != "") != (got.Status == 200) {
			t.Fatalf("got %s: %v", got.Body, err)
		}
		if a.got != nil {
			checkRequest(t, a.got, parameters)
		}
	})
}

func checkRequest(t *testing.T, r *sts.Request, parameters string) {
	t.Helper()
	if r.Duration != 0 && (r.Duration < sts.MinDuration || r.Duration > sts.MaxDuration) || len(r.PolicyARNs) > 10 {
		t.Fatalf("got duration %s and %d policies", r.Duration, len(r.PolicyARNs))
	}
	// Policies take rights away: none may get lost.
	if named := strings.Count("&"+parameters, "&PolicyArns."); len(r.PolicyARNs) < named {
		t.Fatalf("got %d policies from a form that names %d", len(r.PolicyARNs), named)
	}
	for _, text := range append([]string{r.RoleARN, r.SessionName, r.Token, r.ProviderID, r.Policy}, r.PolicyARNs...) {
		if !utf8.ValidString(text) || len(text) > 32768 {
			t.Fatalf("got a parameter of %d bytes", len(text))
		}
	}
}
