package sts_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/sts"
)

const account = "123456789012"

// start is deliberately not a whole second.
var start = time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.FixedZone("CET", 3600))

func key(b byte) []byte { return append(bytes.Repeat([]byte{b}, 31), 1) }

// builtin is an STS whose clock stands at *now.
func builtin(t testing.TB, now *time.Time, keys ...[]byte) *sts.Builtin {
	t.Helper()
	b, err := sts.NewBuiltin(sts.BuiltinConfig{
		Keys: keys, AccountID: account, Now: func() time.Time { return *now },
	})
	if err != nil {
		t.Fatalf("NewBuiltin: %v", err)
	}
	return b
}

func request() sts.AssumeRequest {
	return sts.AssumeRequest{
		RoleARN:     "arn:aws:iam::" + account + ":role/team/demo-auth",
		SessionName: "CognitoIdentityCredentials",
		Duration:    time.Hour,
		Identity: sts.WebIdentity{
			Provider: "cognito-identity.amazonaws.com",
			Audience: "us-east-1:00000000-0000-4000-8000-000000000001",
			Subject:  "us-east-1:11111111-1111-4111-8111-111111111111",
			AMR:      []string{"authenticated", "idp.example", "idp.example:OIDC:alice"},
		},
	}
}

func assume(t testing.TB, b *sts.Builtin, req sts.AssumeRequest) sts.Credentials {
	t.Helper()
	c, err := b.Assume(context.Background(), req)
	if err != nil {
		t.Fatalf("AssumeRoleWithWebIdentity: %v", err)
	}
	return c
}

// code is the STS code of err, or what err is instead.
func code(err error) string {
	if e, ok := errors.AsType[*sts.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return "not an *sts.Error: " + err.Error()
	}
	return ""
}

func TestCredentialsLookLikeThoseOfSTS(t *testing.T) {
	now := start
	c := assume(t, builtin(t, &now, key(1)), request())
	for _, tt := range []struct{ name, got, want string }{
		{"access key", c.AccessKeyID, `^ASIA[A-Z2-7]{16}$`},
		{"secret", c.SecretAccessKey, `^[A-Za-z0-9+/]{40}$`},
		{"token", c.SessionToken, `^[A-Za-z0-9+/]{100,1000}={0,2}$`},
		{"arn", c.AssumedRoleARN, `^arn:aws:sts::123456789012:assumed-role/demo-auth/CognitoIdentityCredentials$`},
		{"role id", c.AssumedRoleID, `^AROA[A-Z2-7]{17}:CognitoIdentityCredentials$`},
	} {
		if !regexp.MustCompile(tt.want).MatchString(tt.got) {
			t.Errorf("%s: got a value of %d characters that does not match, want %s", tt.name, len(tt.got), tt.want)
		}
	}
	want := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) // 04:06:07 UTC and an hour
	if !c.Expiration.Equal(want) || c.Expiration.Location() != time.UTC {
		t.Errorf("expiration: got %v, want %v", c.Expiration, want)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := start.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(rt, "clock")))
		b := builtin(t, &now, key(1), key(2))
		name := rapid.StringMatching(`[\w+=,.@-]{1,64}`)
		req := sts.AssumeRequest{
			SessionName: rapid.StringMatching(`[\w+=,.@-]{2,64}`).Draw(rt, "session"),
			Duration:    time.Duration(rapid.Int64Range(int64(sts.MinDuration), int64(sts.MaxDuration)).Draw(rt, "life")),
			Identity: sts.WebIdentity{
				Provider: rapid.StringN(1, 60, 255).Draw(rt, "provider"),
				Audience: rapid.StringN(1, 60, 255).Draw(rt, "audience"),
				Subject:  rapid.StringN(1, 60, 255).Draw(rt, "subject"),
				AMR:      rapid.SliceOfN(rapid.StringN(1, 50, 100), 0, 5).Draw(rt, "amr"),
			},
		}
		partition := rapid.SampledFrom([]string{"aws", "aws-cn", "aws-us-gov"}).Draw(rt, "partition")
		path := rapid.SampledFrom([]string{"", "a/", "service-role/x.y/"}).Draw(rt, "path")
		roleName := name.Draw(rt, "role")
		req.RoleARN = "arn:" + partition + ":iam::" + account + ":role/" + path + roleName

		c := assume(t, b, req)
		s, err := b.Open(c.AccessKeyID, c.SessionToken)
		if err != nil {
			rt.Fatalf("Open: got %v, want a session", err)
		}
		assumed := "arn:" + partition + ":sts::" + account + ":assumed-role/" + roleName + "/" + req.SessionName
		want := &sts.Session{
			Account: account, RoleARN: req.RoleARN, SessionName: req.SessionName,
			AssumedRoleARN: assumed, AssumedRoleID: c.AssumedRoleID,
			Provider: req.Identity.Provider, Audience: req.Identity.Audience,
			Subject: req.Identity.Subject, AMR: req.Identity.AMR,
			Issued: now.UTC().Truncate(time.Second), Expires: now.Add(req.Duration).UTC().Truncate(time.Second),
		}
		if d := cmp.Diff(want, s, cmpopts.IgnoreUnexported(sts.Session{}), cmpopts.EquateEmpty()); d != "" {
			rt.Fatalf("session (-want +got):\n%s", d)
		}
		if s.SecretAccessKey() != c.SecretAccessKey {
			rt.Fatal("secret: got another than was issued")
		}
		if !c.Expiration.Equal(s.Expires) || c.AssumedRoleARN != assumed {
			rt.Fatalf("credentials: got %v %s, want %v %s", c.Expiration, c.AssumedRoleARN, s.Expires, assumed)
		}
	})
}

func TestEachIssueDiffers(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	one, two := assume(t, b, request()), assume(t, b, request())
	if one.AccessKeyID == two.AccessKeyID || one.SecretAccessKey == two.SecretAccessKey || one.SessionToken == two.SessionToken {
		t.Error("two issues for one request: got a part in common, want none")
	}
	if one.AssumedRoleID != two.AssumedRoleID {
		t.Errorf("role id: got %s then %s, want one", one.AssumedRoleID, two.AssumedRoleID)
	}
	other := request()
	other.RoleARN += "2"
	if got := assume(t, b, other).AssumedRoleID; got == one.AssumedRoleID {
		t.Errorf("role id of another role: got %s for both", got)
	}
}

func TestRequestBounds(t *testing.T) {
	arn := func(resource string) string { return "arn:aws:iam::" + account + ":" + resource }
	for _, tt := range []struct {
		name   string
		change func(*sts.AssumeRequest)
		want   string
	}{
		{"as it is", func(*sts.AssumeRequest) {}, ""},
		{"life at least", func(r *sts.AssumeRequest) { r.Duration = 900 * time.Second }, ""},
		{"life under", func(r *sts.AssumeRequest) { r.Duration = 900*time.Second - 1 }, sts.CodeValidation},
		{"life at most", func(r *sts.AssumeRequest) { r.Duration = 12 * time.Hour }, ""},
		{"life over", func(r *sts.AssumeRequest) { r.Duration = 12*time.Hour + 1 }, sts.CodeValidation},
		{"life missing", func(r *sts.AssumeRequest) { r.Duration = 0 }, sts.CodeValidation},
		{"session name at least", func(r *sts.AssumeRequest) { r.SessionName = "ab" }, ""},
		{"session name under", func(r *sts.AssumeRequest) { r.SessionName = "a" }, sts.CodeValidation},
		{"session name at most", func(r *sts.AssumeRequest) { r.SessionName = strings.Repeat("a", 64) }, ""},
		{"session name over", func(r *sts.AssumeRequest) { r.SessionName = strings.Repeat("a", 65) }, sts.CodeValidation},
		{"session name slash", func(r *sts.AssumeRequest) { r.SessionName = "a/b" }, sts.CodeValidation},
		{"session name line feed", func(r *sts.AssumeRequest) { r.SessionName = "ab\n" }, sts.CodeValidation},
		{"session name not ascii", func(r *sts.AssumeRequest) { r.SessionName = "zoë" }, sts.CodeValidation},
		{"arn missing", func(r *sts.AssumeRequest) { r.RoleARN = "" }, sts.CodeValidation},
		{"arn under", func(r *sts.AssumeRequest) { r.RoleARN = "arn:aws:iam::1:rol/a" }, sts.CodeValidation},
		{"arn over", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/" + strings.Repeat("a/", 1100) + "a") }, sts.CodeValidation},
		{"role name at most", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/" + strings.Repeat("r", 64)) }, ""},
		{"role name over", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/" + strings.Repeat("r", 65)) }, sts.CodeValidation},
		{"role name missing", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/path/") }, sts.CodeValidation},
		{"role name alphabet", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/a*") }, sts.CodeValidation},
		{"path at most", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/" + strings.Repeat("p", 512) + "/r") }, ""},
		{"path over", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/" + strings.Repeat("p", 513) + "/r") }, sts.CodeValidation},
		{"path empty", func(r *sts.AssumeRequest) { r.RoleARN = arn("role//r") }, sts.CodeValidation},
		{"path empty inside", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/a//r") }, sts.CodeValidation},
		{"path with space", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/a b/r") }, sts.CodeValidation},
		{"a user", func(r *sts.AssumeRequest) { r.RoleARN = arn("user/demo-auth") }, sts.CodeValidation},
		{"more colons", func(r *sts.AssumeRequest) { r.RoleARN = arn("role/a:b") }, sts.CodeValidation},
		{"a region", func(r *sts.AssumeRequest) { r.RoleARN = "arn:aws:iam:us-east-1:" + account + ":role/r" }, sts.CodeValidation},
		{"other service", func(r *sts.AssumeRequest) { r.RoleARN = "arn:aws:sts::" + account + ":role/r" }, sts.CodeValidation},
		{"other scheme", func(r *sts.AssumeRequest) { r.RoleARN = "ARN:aws:iam::" + account + ":role/r" }, sts.CodeValidation},
		{"unknown partition", func(r *sts.AssumeRequest) { r.RoleARN = "arn:azure:iam::" + account + ":role/r" }, sts.CodeValidation},
		{"bare partition", func(r *sts.AssumeRequest) { r.RoleARN = "arn:aws-:iam::" + account + ":role/r" }, sts.CodeValidation},
		{"partition alphabet", func(r *sts.AssumeRequest) { r.RoleARN = "arn:aws-CN:iam::" + account + ":role/r" }, sts.CodeValidation},
		{"account short", func(r *sts.AssumeRequest) { r.RoleARN = "arn:aws:iam::12345678901:role/r" }, sts.CodeValidation},
		{"account letters", func(r *sts.AssumeRequest) { r.RoleARN = "arn:aws:iam::12345678901x:role/r" }, sts.CodeValidation},
		{"other account", func(r *sts.AssumeRequest) { r.RoleARN = "arn:aws:iam::123456789013:role/r" }, sts.CodeAccessDenied},
		{"provider missing", func(r *sts.AssumeRequest) { r.Identity.Provider = "" }, sts.CodeValidation},
		{"audience missing", func(r *sts.AssumeRequest) { r.Identity.Audience = "" }, sts.CodeValidation},
		{"subject missing", func(r *sts.AssumeRequest) { r.Identity.Subject = "" }, sts.CodeValidation},
		{"subject at most", func(r *sts.AssumeRequest) { r.Identity.Subject = strings.Repeat("s", 255) }, ""},
		{"subject over", func(r *sts.AssumeRequest) { r.Identity.Subject = strings.Repeat("s", 256) }, sts.CodeValidation},
		{"amr missing", func(r *sts.AssumeRequest) { r.Identity.AMR = nil }, ""},
		{"amr at most", func(r *sts.AssumeRequest) { r.Identity.AMR = strings.Fields(strings.Repeat("a ", 64)) }, ""},
		{"amr over", func(r *sts.AssumeRequest) { r.Identity.AMR = strings.Fields(strings.Repeat("a ", 65)) }, sts.CodeValidation},
		{"amr empty entry", func(r *sts.AssumeRequest) { r.Identity.AMR = []string{""} }, sts.CodeValidation},
		{"amr entry at most", func(r *sts.AssumeRequest) { r.Identity.AMR = []string{strings.Repeat("a", 2048)} }, ""},
		{"amr entry over", func(r *sts.AssumeRequest) { r.Identity.AMR = []string{strings.Repeat("a", 2049)} }, sts.CodeValidation},
		{"too much in all", func(r *sts.AssumeRequest) {
			r.Identity.AMR = []string{strings.Repeat("a", 2048), strings.Repeat("b", 2000)}
		}, sts.CodePackedPolicyTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := start
			req := request()
			tt.change(&req)
			b := builtin(t, &now, key(1))
			c, err := b.Assume(context.Background(), req)
			if got := code(err); got != tt.want {
				t.Fatalf("code: got %q, want %q", got, tt.want)
			}
			if err != nil {
				if c != (sts.Credentials{}) {
					t.Error("got credentials beside an error")
				}
				return
			}
			if len(c.SessionToken) > 4096 {
				t.Errorf("token: got %d characters, want at most 4096", len(c.SessionToken))
			}
			if _, err := b.Open(c.AccessKeyID, c.SessionToken); err != nil {
				t.Errorf("Open: got %v, want a session", err)
			}
		})
	}
}

func TestDeniedRoleHasTheMessageOfSTS(t *testing.T) {
	now := start
	req := request()
	req.RoleARN = "arn:aws:iam::000000000000:role/demo"
	_, err := builtin(t, &now, key(1)).Assume(context.Background(), req)
	want := "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// The token's length limit, character by character: what is issued opens, and the
// first session that would not fit is refused at issue.
func TestTokenLimit(t *testing.T) {
	now := start
	b := builtin(t, &now, key(1))
	longest := 0
	for n := 2500; n <= 3100; n++ {
		req := request()
		req.Identity.AMR = []string{strings.Repeat("a", 2000), strings.Repeat("b", n-2000)}
		c, err := b.Assume(context.Background(), req)
		if err != nil {
			if got := code(err); got != sts.CodePackedPolicyTooLarge {
				t.Fatalf("code: got %q, want %q", got, sts.CodePackedPolicyTooLarge)
			}
			break
		}
		longest = len(c.SessionToken)
		if _, err := b.Open(c.AccessKeyID, c.SessionToken); err != nil {
			t.Fatalf("Open of %d characters: got %v, want a session", longest, err)
		}
	}
	if longest != 4096 {
		t.Errorf("longest token: got %d characters, want 4096", longest)
	}
}

func TestPassingFaultIsNoRefusal(t *testing.T) {
	broken, err := sts.NewBuiltin(sts.BuiltinConfig{
		Keys: [][]byte{key(1)}, AccountID: account, Rand: iotest.ErrReader(io.ErrClosedPipe),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = broken.Assume(context.Background(), request())
	if _, refused := errors.AsType[*sts.Error](err); refused || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("no randomness: got %v, want the reader's error, not a refusal", err)
	}
	now := start
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = builtin(t, &now, key(1)).Assume(ctx, request())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v, want %v", err, context.Canceled)
	}
}

func TestNewBuiltinRefuses(t *testing.T) {
	many := make([][]byte, 65)
	for i := range many {
		many[i] = key(byte(i + 1))
	}
	for _, tt := range []struct {
		name    string
		account string
		keys    [][]byte
		ok      bool
	}{
		{"one key", account, [][]byte{key(1)}, true},
		{"64 keys", account, many[:64], true},
		{"65 keys", account, many, false},
		{"no key", account, nil, false},
		{"short key", account, [][]byte{key(1)[:31]}, false},
		{"long key", account, [][]byte{append(key(1), 1)}, false},
		{"empty key", account, [][]byte{nil}, false},
		{"repeated key", account, [][]byte{key(1), key(2), key(1)}, false},
		{"zero key", account, [][]byte{key(1), make([]byte, 32)}, false},
		{"no account", "", [][]byte{key(1)}, false},
		{"short account", "12345678901", [][]byte{key(1)}, false},
		{"lettered account", "12345678901a", [][]byte{key(1)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sts.NewBuiltin(sts.BuiltinConfig{Keys: tt.keys, AccountID: tt.account})
			if (err == nil) != tt.ok {
				t.Errorf("got %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestKeysAreCopied(t *testing.T) {
	now := start
	k := key(1)
	b := builtin(t, &now, k)
	c := assume(t, b, request())
	clear(k)
	if _, err := b.Open(c.AccessKeyID, c.SessionToken); err != nil {
		t.Errorf("after the caller's key was wiped: got %v, want a session", err)
	}
	if _, err := builtin(t, &now, key(1)).Open(c.AccessKeyID, c.SessionToken); err != nil {
		t.Errorf("another process with the key: got %v, want a session", err)
	}
}

func BenchmarkAssume(b *testing.B) {
	now := start
	s := builtin(b, &now, key(1))
	for b.Loop() {
		assume(b, s, request())
	}
}

func BenchmarkOpen(b *testing.B) {
	now := start
	s := builtin(b, &now, key(1))
	c := assume(b, s, request())
	b.SetBytes(int64(base64.StdEncoding.DecodedLen(len(c.SessionToken))))
	for b.Loop() {
		if _, err := s.Open(c.AccessKeyID, c.SessionToken); err != nil {
			b.Fatal(err)
		}
	}
}
