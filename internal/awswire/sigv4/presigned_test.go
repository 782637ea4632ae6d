package sigv4_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

func TestTwoFormsAtOnceAreRefused(t *testing.T) {
	inHeader, inQuery := getCallerIdentity().signed(t), presignedGet().presigned(t)
	both := clone(inHeader)
	both.RawQuery = inQuery.RawQuery
	for name, r := range map[string]sigv4.Request{
		"both whole":                       both,
		"presigned with any authorization": with(inQuery, "Authorization", "Bearer x"),
		"presigned with a date header":     with(inQuery, "x-amz-date", goodDate),
		"presigned with a token header":    with(inQuery, "X-Amz-Security-Token", "x"),
		"header with a token in the query": query(inHeader, "X-Amz-Security-Token=x"),
		"header with a date in the query":  query(inHeader, "X-Amz-Date="+goodDate),
		"header, lower-case parameter":     query(inHeader, "x-amz-signature="+anyHash),
		"header, escaped parameter":        query(inHeader, "X%2DAmz-Expires=60"),
	} {
		if err := verify(r, signedAt); kind(err) != sigv4.Incomplete {
			t.Errorf("%s: got %v (%v), want %v", name, kind(err), err, sigv4.Incomplete)
		}
	}
}

func TestPresigned(t *testing.T) {
	for name, tt := range map[string]struct {
		request sigv4.Request
		want    bool
	}{
		"header":         {getCallerIdentity().signed(t), false},
		"header, GET":    {presignedGet().signed(t), false},
		"presigned":      {presignedGet().presigned(t), true},
		"presigned POST": {getCallerIdentity().presigned(t), true},
	} {
		s, err := sigv4.Parse(&tt.request)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Presigned(); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func query(r sigv4.Request, raw string) sigv4.Request {
	r = clone(r)
	r.RawQuery = raw
	return r
}

// set is r with one parameter changed; the signature no longer fits.
func set(r sigv4.Request, name, value string) sigv4.Request {
	q, _ := url.ParseQuery(r.RawQuery)
	q.Set(name, value)
	return query(r, q.Encode())
}

func TestPresignedParameters(t *testing.T) {
	r := presignedGet().presigned(t)
	for _, tt := range []struct {
		name, param, value string
		want               sigv4.Kind // Mismatch: well-formed, so the signature decides
	}{
		{"least life", "X-Amz-Expires", "1", sigv4.Mismatch},
		{"no life", "X-Amz-Expires", "0", sigv4.Incomplete},
		{"negative life", "X-Amz-Expires", "-1", sigv4.Incomplete},
		{"longest life", "X-Amz-Expires", "604800", sigv4.Mismatch},
		{"too long a life", "X-Amz-Expires", "604801", sigv4.Incomplete},
		{"overflowing life", "X-Amz-Expires", "99999999999999999999", sigv4.Incomplete},
		{"signed number", "X-Amz-Expires", "+60", sigv4.Incomplete},
		{"leading zero", "X-Amz-Expires", "060", sigv4.Incomplete},
		{"fraction", "X-Amz-Expires", "6.5", sigv4.Incomplete},
		{"empty life", "X-Amz-Expires", "", sigv4.Incomplete},
		{"other algorithm", "X-Amz-Algorithm", "AWS4-HMAC-SHA1", sigv4.Incomplete},
		{"empty algorithm", "X-Amz-Algorithm", "", sigv4.Incomplete},
		{"http date", "X-Amz-Date", "Wed, 04 Mar 2026 05:06:07 GMT", sigv4.Incomplete},
		{"other day", "X-Amz-Date", "20260305T050607Z", sigv4.Scope},
		{"short credential", "X-Amz-Credential", accessKey, sigv4.Incomplete},
		{"other service", "X-Amz-Credential", strings.Replace(goodScope, "/sts/", "/iam/", 1), sigv4.Scope},
		{"unsorted headers", "X-Amz-SignedHeaders", "x-amz-meta-a;host", sigv4.Incomplete},
		{"host unsigned", "X-Amz-SignedHeaders", "x-amz-meta-a", sigv4.Mismatch},
		{"amz header unsigned", "X-Amz-SignedHeaders", "host", sigv4.Mismatch},
		{"signature no hex", "X-Amz-Signature", strings.Repeat("g", 64), sigv4.Incomplete},
		{"other signature", "X-Amz-Signature", anyHash, sigv4.Mismatch},
		{"other token", "X-Amz-Security-Token", "x", sigv4.Mismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// Meta headers are hoisted by no SDK, so this one is a signed header.
			if err := verify(set(with(r, "X-Amz-Meta-A", "b"), tt.param, tt.value), signedAt); kind(err) != tt.want {
				t.Errorf("got %v (%v), want %v", kind(err), err, tt.want)
			}
		})
	}
}

func TestPresignedParametersAreRequired(t *testing.T) {
	r := presignedGet().presigned(t)
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "X-Amz-SignedHeaders"} {
		q, _ := url.ParseQuery(r.RawQuery)
		q.Del(name)
		err := verify(query(r, q.Encode()), signedAt)
		want := "AWS query-string parameters must include '" + name + "'. Re-examine the query-string parameters."
		if kind(err) != sigv4.Incomplete || err.Error() != want {
			t.Errorf("without %s: got %v (%v), want %s", name, kind(err), err, want)
		}
	}
}

// A parameter of the signature is taken in its own case alone: a server that reads it in any
// would go by one that the signature does not cover as such.
func TestPresignedParametersInAnotherCase(t *testing.T) {
	s := presignedGet()
	r := s.presigned(t)
	for _, name := range []string{
		"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Expires", "X-Amz-Security-Token",
	} {
		q, _ := url.ParseQuery(r.RawQuery)
		if !q.Has(name) {
			t.Fatalf("%s: not there", name)
		}
		q.Set(strings.ToLower(name), q.Get(name))
		q.Del(name)
		err := verify(query(r, q.Encode()), signedAt)
		want := "AWS query-string parameter '" + name + "' is in the wrong case. Re-examine the query-string parameters."
		if kind(err) != sigv4.Incomplete || err.Error() != want {
			t.Errorf("%s: got %v (%v), want %s", name, kind(err), err, want)
		}
	}
}

func TestHashInHeaderAndQueryIsRefused(t *testing.T) {
	s := presignedGet()
	s.headers["X-Amz-Content-Sha256"] = s.bodyHash()
	s.query.Set("X-Amz-Content-Sha256", s.bodyHash())
	if err := verify(s.presigned(t), signedAt); kind(err) != sigv4.Incomplete {
		t.Errorf("got %v (%v), want %v", kind(err), err, sigv4.Incomplete)
	}
}

// The presigned GET of Go's SDK, signed at the wall clock's time. It states no
// life of its own.
func TestPresignedGetCallerIdentityOfTheSDK(t *testing.T) {
	client := awssts.New(awssts.Options{
		Region: region, BaseEndpoint: aws.String("http://127.0.0.1:8080"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return presignedGet().credentials(), nil
		}),
	})
	p, err := awssts.NewPresignClient(client).PresignGetCallerIdentity(context.Background(), &awssts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(p.Method, p.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := received(r, "")
	if err := verify(got, time.Now()); err != nil {
		t.Errorf("now: got %v, want none", err)
	}
	if err := verify(got, time.Now().Add(16*time.Minute)); kind(err) != sigv4.Expired {
		t.Errorf("16 minutes on: got %v, want %v", kind(err), sigv4.Expired)
	}
}

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for k := sigv4.Missing; k <= sigv4.Scope; k++ {
		if seen[k.String()] || k.String() == "unknown" {
			t.Errorf("kind %d: got %s, want a name of its own", int(k), k)
		}
		seen[k.String()] = true
	}
	if got := sigv4.Kind(0).String(); got != "unknown" {
		t.Errorf("zero kind: got %s, want unknown", got)
	}
}
