package sts_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/sts"
)

const webToken = "header.payload-of-a-web-identity.signature-of-it"

var errPassing = errors.New("store is away")

// trust takes webToken for request's identity, and lets it have any role.
type trust struct {
	verify, may error
	asked       []string // what was asked of it, in order
}

func (f *trust) Verify(_ context.Context, token string) (sts.WebIdentity, error) {
	f.asked = append(f.asked, "verify")
	if f.verify == nil && token != webToken {
		f.verify = sts.InvalidToken(nil)
	}
	return request().Identity, f.verify
}

func (f *trust) MayAssume(_ context.Context, req sts.AssumeRequest) error {
	f.asked = append(f.asked, "may "+req.Identity.Subject+" "+req.RoleARN)
	return f.may
}

// asking is request, as a client makes it.
func asking() sts.Request {
	return sts.Request{RoleARN: request().RoleARN, SessionName: request().SessionName, Token: webToken}
}

func TestLocalAnswers(t *testing.T) {
	now := start
	b, judge := builtin(t, &now, key(1)), &trust{}
	api := sts.NewLocal(sts.LocalConfig{STS: b, Trust: judge})
	req := asking()
	req.Policy, req.PolicyARNs = policy, []string{policyARN}
	resp, err := api.AssumeRoleWithWebIdentity(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Open(resp.Credentials.AccessKeyID, resp.Credentials.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	id := request().Identity
	got := []any{resp.Provider, resp.Audience, resp.Subject, resp.PackedPolicySize, s.AMR, s.Policy, s.PolicyARNs, s.Expires.Sub(s.Issued)}
	want := []any{id.Provider, id.Audience, id.Subject, 9, id.AMR, policy, req.PolicyARNs, time.Hour} // 94 and 72 characters
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"verify", "may " + id.Subject + " " + req.RoleARN}, judge.asked); d != "" {
		t.Errorf("asked of the trust (-want +got):\n%s", d)
	}
	resp, err = api.AssumeRoleWithWebIdentity(context.Background(), asking())
	if err != nil || resp.PackedPolicySize != 0 {
		t.Errorf("without policies: got %v, %v, want no packed size", resp, err)
	}
}

func TestLocalConstraints(t *testing.T) {
	long := strings.Repeat("t", 20001)
	for _, tt := range []struct {
		name   string
		change func(*sts.Request)
		want   string // code
	}{
		{"token at least", func(r *sts.Request) { r.Token = "tttt" }, sts.CodeInvalidIdentityToken},
		{"token under", func(r *sts.Request) { r.Token = "ttt" }, sts.CodeValidation},
		{"token at most", func(r *sts.Request) { r.Token = long[1:] }, sts.CodeInvalidIdentityToken},
		{"token over", func(r *sts.Request) { r.Token = long }, sts.CodeValidation},
		{"role under", func(r *sts.Request) { r.RoleARN = "arn:aws:iam::1:role" }, sts.CodeValidation},
		{"role over", func(r *sts.Request) { r.RoleARN += strings.Repeat("r", 2048) }, sts.CodeValidation},
		{"role is none", func(r *sts.Request) { r.RoleARN = "arn:aws:iam::" + account + ":user/u" }, sts.CodeValidation},
		{"session name at least", func(r *sts.Request) { r.SessionName = "a@" }, ""},
		{"session name under", func(r *sts.Request) { r.SessionName = "a" }, sts.CodeValidation},
		{"session name at most", func(r *sts.Request) { r.SessionName = strings.Repeat("a", 64) }, ""},
		{"session name over", func(r *sts.Request) { r.SessionName = strings.Repeat("a", 65) }, sts.CodeValidation},
		{"session name alphabet", func(r *sts.Request) { r.SessionName = "a b" }, sts.CodeValidation},
		{"duration at least", func(r *sts.Request) { r.Duration = 900 * time.Second }, ""},
		{"duration under", func(r *sts.Request) { r.Duration = 899 * time.Second }, sts.CodeValidation},
		{"duration negative", func(r *sts.Request) { r.Duration = -time.Hour }, sts.CodeValidation},
		{"duration at most", func(r *sts.Request) { r.Duration = 43200 * time.Second }, ""},
		{"duration over", func(r *sts.Request) { r.Duration = 43201 * time.Second }, sts.CodeValidation},
		{"provider id", func(r *sts.Request) { r.ProviderID = "www.amazon.com" }, sts.CodeValidation},
		{"policy", func(r *sts.Request) { r.Policy = "{}" }, sts.CodeMalformedPolicyDocument},
		{"managed policy", func(r *sts.Request) { r.PolicyARNs = []string{"arn:aws:iam::999999999999:policy/P"} }, sts.CodeValidation},
		{"policies together", func(r *sts.Request) { r.Policy, r.PolicyARNs = sized(2048, "x"), []string{policyARN} }, sts.CodePackedPolicyTooLarge},
		{"other account", func(r *sts.Request) { r.RoleARN = "arn:aws:iam::999999999999:role/r" }, sts.CodeAccessDenied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := start
			judge, req := &trust{}, asking()
			tt.change(&req)
			api := sts.NewLocal(sts.LocalConfig{STS: builtin(t, &now, key(1)), Trust: judge})
			resp, err := api.AssumeRoleWithWebIdentity(context.Background(), req)
			if got := code(err); got != tt.want || (resp == nil) != (err != nil) {
				t.Fatalf("got code %q, answer %v, want %q", got, resp != nil, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), req.Token) {
				t.Error("refusal repeats the token")
			}
			shape := tt.want == sts.CodeValidation || tt.want == sts.CodeMalformedPolicyDocument || tt.want == sts.CodePackedPolicyTooLarge
			if shape && len(judge.asked) > 0 {
				t.Errorf("asked of the trust: got %v, want nothing before constraints hold", judge.asked)
			}
		})
	}
}

func TestAllBrokenConstraintsAreNamed(t *testing.T) {
	api := sts.NewLocal(sts.LocalConfig{Trust: &trust{}})
	_, err := api.AssumeRoleWithWebIdentity(context.Background(), sts.Request{
		RoleARN: request().RoleARN, SessionName: "/", Token: webToken, Duration: time.Second,
	})
	want := `ValidationError: 3 validation errors detected: ` +
		`Value at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2; ` +
		`Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*; ` +
		`Value at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Each obstacle hides those after it: a caller learns of a role only by a token
// that may have it.
func TestLocalOrderOfChecks(t *testing.T) {
	short := func(string) time.Duration { return 30 * time.Minute }
	for _, tt := range []struct {
		name        string
		verify, may error
		max         func(string) time.Duration
		account     string
		want        string
	}{
		{"token first", sts.UnverifiedToken(nil), sts.NotAuthorized(nil), short, "999999999999", sts.CodeInvalidIdentityToken},
		{"then the role's trust", nil, sts.NotAuthorized(nil), short, "999999999999", sts.CodeAccessDenied},
		{"then its longest session", nil, nil, short, "999999999999", sts.CodeValidation},
		{"then issue", nil, nil, nil, "999999999999", sts.CodeAccessDenied},
		{"longest session unknown", nil, nil, func(string) time.Duration { return 0 }, account, ""},
		{"longest session just so", nil, nil, func(string) time.Duration { return time.Hour }, account, ""},
		{"a second less", nil, nil, func(string) time.Duration { return time.Hour - time.Second }, account, sts.CodeValidation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := start
			api := sts.NewLocal(sts.LocalConfig{
				STS: builtin(t, &now, key(1)), Trust: &trust{verify: tt.verify, may: tt.may}, MaxSession: tt.max,
			})
			req := asking()
			req.RoleARN = "arn:aws:iam::" + tt.account + ":role/r"
			_, err := api.AssumeRoleWithWebIdentity(context.Background(), req)
			if got := code(err); got != tt.want {
				t.Errorf("code: got %q, want %q", got, tt.want)
			}
			e, _ := errors.AsType[*sts.Error](err)
			want := "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
			if tt.want == sts.CodeValidation && e.Message != want {
				t.Errorf("message: got %s, want %s", e.Message, want)
			}
		})
	}
}

func TestLocalPassingFaults(t *testing.T) {
	now := start
	for name, judge := range map[string]*trust{"verify": {verify: errPassing}, "may assume": {may: errPassing}} {
		api := sts.NewLocal(sts.LocalConfig{STS: builtin(t, &now, key(1)), Trust: judge})
		_, err := api.AssumeRoleWithWebIdentity(context.Background(), asking())
		if _, refused := errors.AsType[*sts.Error](err); refused || !errors.Is(err, errPassing) {
			t.Errorf("%s: got %v, want the fault, not a refusal", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	judge := &trust{}
	api := sts.NewLocal(sts.LocalConfig{STS: builtin(t, &now, key(1)), Trust: judge})
	if _, err := api.AssumeRoleWithWebIdentity(ctx, asking()); !errors.Is(err, context.Canceled) || judge.asked != nil {
		t.Errorf("ended context: got %v, want %v", err, context.Canceled)
	}
}

func TestRefusalsAreLiteral(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 999) }
	for _, tt := range []struct {
		err   error
		want  string
		cause error
	}{
		{sts.NotAuthorized(errPassing), "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity", errPassing},
		{sts.InvalidToken(errPassing), "InvalidIdentityToken: The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)", errPassing},
		{sts.UnknownProvider("https://idp.example"), "InvalidIdentityToken: No OpenIDConnect provider found in your account for https://idp.example", nil},
		{sts.UnknownProvider("a\n\u202eb\xff" + strings.Repeat("é", 300)), "InvalidIdentityToken: No OpenIDConnect provider found in your account for a??b?" + strings.Repeat("é", 250), nil},
		{sts.UnverifiedToken(errPassing), "InvalidIdentityToken: Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements", errPassing},
		{sts.ExpiredToken(at(1753382758), at(1753089571), errPassing), "ExpiredTokenException: Token expired: current date/time 1753382758 must be before the expiration date/time 1753089571", errPassing},
	} {
		if tt.err.Error() != tt.want || !errors.Is(errors.Unwrap(tt.err), tt.cause) {
			t.Errorf("got %v by %v, want %s by %v", tt.err, errors.Unwrap(tt.err), tt.want, tt.cause)
		}
	}
}
