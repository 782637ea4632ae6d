package sigv4_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
	"github.com/cognito-broker/broker/internal/sts"
)

// Requests and signatures that AWS published with the algorithm.
func TestPublishedSignatures(t *testing.T) {
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	date := sigv4.Header{Name: "X-Amz-Date", Value: "20150830T123600Z"}
	host := sigv4.Header{Name: "Host", Value: "example.amazonaws.com"}
	for _, tt := range []struct {
		name, service, signedHeaders, signature string
		request                                 sigv4.Request
	}{
		{
			"get-vanilla", "service", "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
			sigv4.Request{Method: "GET", Path: "/", Headers: []sigv4.Header{host, date}},
		},
		{
			"get-vanilla-query-order-key-case", "service", "host;x-amz-date",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
			sigv4.Request{Method: "GET", Path: "/", RawQuery: "Param2=value2&Param1=value1", Headers: []sigv4.Header{host, date}},
		},
		{
			"get-header-value-trim", "service", "host;my-header1;my-header2;x-amz-date",
			"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
			sigv4.Request{Method: "GET", Path: "/", Headers: []sigv4.Header{
				host, {Name: "My-Header1", Value: " value1"}, {Name: "My-Header2", Value: ` "a   b   c"`}, date,
			}},
		},
		{
			"post-x-www-form-urlencoded", "service", "content-type;host;x-amz-date",
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
			sigv4.Request{Method: "POST", Path: "/", Body: []byte("Param1=value1"), Headers: []sigv4.Header{
				{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}, host, date,
			}},
		},
		{
			"ListUsers of the guide", "iam", "content-type;host;x-amz-date",
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
			sigv4.Request{Method: "GET", Path: "/", RawQuery: "Action=ListUsers&Version=2010-05-08", Headers: []sigv4.Header{
				{Name: "Content-Type", Value: "application/x-www-form-urlencoded; charset=utf-8"},
				{Name: "Host", Value: "iam.amazonaws.com"}, date,
			}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.request.Headers = append(tt.request.Headers, sigv4.Header{Name: "Authorization", Value: fmt.Sprintf(
				"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/%s/aws4_request, SignedHeaders=%s, Signature=%s",
				tt.service, tt.signedHeaders, tt.signature)})
			s, err := sigv4.Parse(&tt.request)
			if err != nil {
				t.Fatalf("Parse: got %v, want none", err)
			}
			if err := s.Verify(secret, tt.service, at); err != nil {
				t.Errorf("Verify: got %v, want none", err)
			}
		})
	}
}

// shapes draws requests of every make that the SDK can send.
func shapes(rt *rapid.T) shape {
	text := rapid.StringN(0, 12, 40)
	s := shape{
		method:  rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE", "PATCH"}).Draw(rt, "method"),
		path:    "/",
		query:   url.Values{},
		headers: map[string]string{},
		body:    string(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(rt, "body")),
		token:   rapid.StringMatching(`[A-Za-z0-9+/]{0,60}={0,2}`).Draw(rt, "token"),
		expires: rapid.SampledFrom([]int{0, 1, 60, 604800}).Draw(rt, "expires"),
	}
	segment := rapid.OneOf(rapid.StringMatching(`[ -~]{1,8}`), text).Filter(func(s string) bool {
		return s != "" && s != "." && s != ".." && !strings.Contains(s, "/")
	})
	s.path += strings.Join(rapid.SliceOfN(segment, 0, 4).Draw(rt, "path"), "/")
	if rapid.Bool().Draw(rt, "slash") && s.path != "/" {
		s.path += "/"
	}
	name := rapid.OneOf(rapid.StringMatching(`[ -~]{1,6}`), text).Filter(func(s string) bool { return s != "" })
	for range rapid.IntRange(0, 5).Draw(rt, "params") {
		k := name.Draw(rt, "name")
		s.query[k] = append(s.query[k], rapid.OneOf(text, rapid.StringMatching(`[ -~]{0,9}`)).Draw(rt, "value"))
	}
	headerName := rapid.OneOf(
		rapid.StringMatching(`[A-Z][a-z0-9]{0,5}(-[A-Z][a-z0-9]{1,5}){1,2}`),
		rapid.SampledFrom([]string{"Content-Type", "Accept", "User-Agent", "X-Amz-Target", "X-Amz-Meta-A", "X-Amz-User-Agent", "Cache-Control", "Origin", "Expect", "X-Amzn-Trace-Id"}),
	)
	for range rapid.IntRange(0, 6).Draw(rt, "headers") {
		s.headers[headerName.Draw(rt, "header")] = rapid.StringMatching(`[ -~]{0,20}`).Draw(rt, "header value")
	}
	if rapid.Bool().Draw(rt, "content hash") {
		s.headers["X-Amz-Content-Sha256"] = s.bodyHash()
	}
	return s
}

func TestWhatTheSDKSignsVerifies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := shapes(rt)
		now := signedAt.Add(time.Duration(rapid.Int64Range(int64(-5*time.Minute), int64(5*time.Minute)).Draw(rt, "skew")))
		r := s.signed(t)
		if err := verify(r, now); err != nil {
			rt.Fatalf("got %v, want none", err)
		}
		checkCredential(rt, r, s)
	})
}

func TestWhatTheSDKPresignsVerifies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := shapes(rt)
		life := time.Duration(s.expires) * time.Second
		if s.expires == 0 {
			life = 15 * time.Minute
		}
		now := signedAt.Add(time.Duration(rapid.Int64Range(int64(-5*time.Minute), int64(life)).Draw(rt, "now")))
		r := s.presigned(t)
		if err := verify(r, now); err != nil {
			rt.Fatalf("got %v, want none", err)
		}
		checkCredential(rt, r, s)
	})
}

func checkCredential(rt *rapid.T, r sigv4.Request, s shape) {
	signed, err := sigv4.Parse(&r)
	if err != nil {
		rt.Fatal(err)
	}
	want := sigv4.Credential{AccessKeyID: accessKey, Date: "20260304", Region: region, Service: service, SessionToken: s.token}
	if signed.Credential() != want {
		rt.Fatalf("credential: got %v, want %v, or another token", signed.Credential(), want)
	}
}

func TestTimes(t *testing.T) {
	long := presignedGet()
	long.expires = 604800
	silent := presignedGet()
	silent.expires = 0
	for _, tt := range []struct {
		name    string
		request sigv4.Request
		age     time.Duration
		want    sigv4.Kind
	}{
		{"header, now", getCallerIdentity().signed(t), 0, 0},
		{"header, oldest", getCallerIdentity().signed(t), 5 * time.Minute, 0},
		{"header, too old", getCallerIdentity().signed(t), 5*time.Minute + 1, sigv4.Expired},
		{"header, furthest ahead", getCallerIdentity().signed(t), -5 * time.Minute, 0},
		{"header, too far ahead", getCallerIdentity().signed(t), -5*time.Minute - 1, sigv4.Expired},
		{"header, a day old", getCallerIdentity().signed(t), 24 * time.Hour, sigv4.Expired},
		{"presigned, oldest", presignedGet().presigned(t), time.Minute, 0},
		{"presigned, too old", presignedGet().presigned(t), time.Minute + 1, sigv4.Expired},
		{"presigned, furthest ahead", presignedGet().presigned(t), -5 * time.Minute, 0},
		{"presigned, too far ahead", presignedGet().presigned(t), -5*time.Minute - 1, sigv4.Expired},
		{"presigned for a week, oldest", long.presigned(t), 7 * 24 * time.Hour, 0},
		{"presigned for a week, too old", long.presigned(t), 7*24*time.Hour + 1, sigv4.Expired},
		{"presigned without a life, oldest", silent.presigned(t), 15 * time.Minute, 0},
		{"presigned without a life, too old", silent.presigned(t), 15*time.Minute + 1, sigv4.Expired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := kind(verify(tt.request, signedAt.Add(tt.age))); got != tt.want {
				t.Errorf("kind: got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestMessagesOfAWS(t *testing.T) {
	late := verify(getCallerIdentity().signed(t), signedAt.Add(6*time.Minute))
	early := verify(getCallerIdentity().signed(t), signedAt.Add(-6*time.Minute))
	short := verify(presignedGet().presigned(t), signedAt.Add(62*time.Second))
	odd := presignedGet()
	odd.expires = 90
	changed := getCallerIdentity().signed(t)
	changed.Body[0] ^= 1
	r := getCallerIdentity().signed(t)
	signed, err := sigv4.Parse(&r)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		got  error
		want string
	}{
		{late, "Signature expired: 20260304T050607Z is now earlier than 20260304T050707Z (20260304T051207Z - 5 min.)"},
		{early, "Signature not yet current: 20260304T050607Z is still later than 20260304T050507Z (20260304T050007Z + 5 min.)"},
		{short, "Signature expired: 20260304T050607Z is now earlier than 20260304T050609Z (20260304T050709Z - 1 min.)"},
		{verify(odd.presigned(t), signedAt.Add(91*time.Second)), "Signature expired: 20260304T050607Z is now earlier than 20260304T050608Z (20260304T050738Z - 90 sec.)"},
		{verify(changed, signedAt), "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
		{signed.Verify(secret, "cognito-identity", signedAt), "Credential should be scoped to correct service: 'cognito-identity'."},
	} {
		if tt.got == nil || tt.got.Error() != tt.want {
			t.Errorf("got %v\nwant %s", tt.got, tt.want)
		}
	}
}

func TestVerifyNeedsTheRightSecretAndService(t *testing.T) {
	r := getCallerIdentity().signed(t)
	s, err := sigv4.Parse(&r)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, secret, service string
		want                  sigv4.Kind
	}{
		{"right", secret, service, 0},
		{"no secret", "", service, sigv4.Mismatch},
		{"no service", secret, "", sigv4.Mismatch},
		{"other service", secret, "cognito-identity", sigv4.Scope},
		{"longer secret", secret + "x", service, sigv4.Mismatch},
		{"shorter secret", secret[:len(secret)-1], service, sigv4.Mismatch},
	} {
		if got := kind(s.Verify(tt.secret, tt.service, signedAt)); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	var nobody *sigv4.Signed
	if got := kind(nobody.Verify(secret, service, signedAt)); got != sigv4.Mismatch {
		t.Errorf("nil: got %v, want %v", got, sigv4.Mismatch)
	}
	if got := kind(new(sigv4.Signed).Verify(secret, service, time.Time{})); got != sigv4.Mismatch {
		t.Errorf("zero value: got %v, want %v", got, sigv4.Mismatch)
	}
}

// An empty secret must not verify what was signed with an empty secret.
func TestNoSecretVerifiesNothing(t *testing.T) {
	s := getCallerIdentity()
	r := s.http(t)
	sum := sha256.Sum256([]byte(s.body))
	err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: accessKey}, r,
		hex.EncodeToString(sum[:]), service, region, signedAt)
	if err != nil {
		t.Fatal(err)
	}
	got := received(r, s.body)
	signed, err := sigv4.Parse(&got)
	if err != nil {
		t.Fatal(err)
	}
	if got := kind(signed.Verify("", service, signedAt)); got != sigv4.Mismatch {
		t.Errorf("got %v, want %v", got, sigv4.Mismatch)
	}
}

// The third part of issued credentials proves itself here: access key and token
// open a session, and a request verifies by that session's secret alone.
func TestEveryChangedCharacterOfAnIssuedSecretIsRefused(t *testing.T) {
	issuer, err := sts.NewBuiltin(sts.BuiltinConfig{
		Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, AccountID: "123456789012",
		Now: func() time.Time { return signedAt },
	})
	if err != nil {
		t.Fatal(err)
	}
	issue := func() aws.Credentials {
		c, err := issuer.Assume(context.Background(), sts.AssumeRequest{
			RoleARN: "arn:aws:iam::123456789012:role/demo", SessionName: "session", Duration: time.Hour,
			Identity: sts.WebIdentity{Provider: "p", Audience: "pool", Subject: "identity"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	}
	check := func(c aws.Credentials) error {
		s := getCallerIdentity()
		r := s.http(t)
		if err := v4.NewSigner().SignHTTP(context.Background(), c, r, s.bodyHash(), service, region, signedAt); err != nil {
			t.Fatal(err)
		}
		request := received(r, s.body)
		signed, err := sigv4.Parse(&request)
		if err != nil {
			return err
		}
		session, err := issuer.Open(signed.Credential().AccessKeyID, signed.Credential().SessionToken)
		if err != nil {
			return err
		}
		return signed.Verify(session.SecretAccessKey(), service, signedAt)
	}
	one, two := issue(), issue()
	if err := check(one); err != nil {
		t.Fatalf("as issued: got %v, want none", err)
	}
	for i := range one.SecretAccessKey {
		changed := one
		b := []byte(changed.SecretAccessKey)
		b[i] ^= 1
		changed.SecretAccessKey = string(b)
		if got := kind(check(changed)); got != sigv4.Mismatch {
			t.Errorf("character %d of the secret: got %v, want %v", i, got, sigv4.Mismatch)
		}
	}
	mixed := one
	mixed.SecretAccessKey = two.SecretAccessKey
	if got := kind(check(mixed)); got != sigv4.Mismatch {
		t.Errorf("another session's secret: got %v, want %v", got, sigv4.Mismatch)
	}
	mixed = one
	mixed.SessionToken = two.SessionToken
	if err := check(mixed); err == nil {
		t.Error("another session's token: got none, want a refusal")
	}
	mixed = two
	mixed.AccessKeyID = one.AccessKeyID
	if err := check(mixed); err == nil {
		t.Error("another session's access key: got none, want a refusal")
	}
}

// The order of parameters is not signed: AWS sorts escaped names, then values.
func TestParametersInAnyOrder(t *testing.T) {
	s := getCallerIdentity()
	s.query = url.Values{"b": {"a/b", "a-b", "", "+"}, "a b": {"ä"}, "B": {"1"}}
	r := s.signed(t)
	for _, raw := range []string{
		r.RawQuery,
		"b=a-b&b=a%2Fb&b=&b=%2B&a%20b=%C3%A4&B=1",
		"b=%2B&b&B=1&a+b=%c3%a4&b=a/b&b=a-b",
	} {
		r.RawQuery = raw
		if err := verify(r, signedAt); err != nil {
			t.Errorf("%s: got %v, want none", raw, err)
		}
	}
}

func TestUnsignedRequestIsMissing(t *testing.T) {
	s := getCallerIdentity()
	s.headers["X-Amz-Date"] = "20260304T050607Z" // as legacy clients send, without a signature
	r := received(s.http(t), s.body)
	for name, authorization := range map[string]string{
		"none": "", "bearer": "Bearer AWS4-HMAC-SHA256", "basic": "Basic eDp5", "lower case": "aws4-hmac-sha256 Credential=a",
	} {
		request := r
		if name != "none" {
			request = with(r, "Authorization", authorization)
		}
		if _, err := sigv4.Parse(&request); !errors.Is(err, sigv4.ErrMissing) {
			t.Errorf("%s: got %v, want %v", name, err, sigv4.ErrMissing)
		}
	}
	if _, err := sigv4.Parse(nil); !errors.Is(err, sigv4.ErrMissing) {
		t.Errorf("nil: got %v, want %v", err, sigv4.ErrMissing)
	}
}

func BenchmarkVerify(b *testing.B) {
	r := getCallerIdentity().signed(b)
	for b.Loop() {
		if err := verify(r, signedAt); err != nil {
			b.Fatal(err)
		}
	}
}
