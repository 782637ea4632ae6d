package awswire_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
)

const foreignPool = "us-east-1:00000000-0000-4000-8000-000000000002"

var signedAt = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// person is a caller of every test: its access key is made of its name.
func person(name string, scopes []callers.Scope, pools ...string) callers.Config {
	return callers.Config{
		Name: name, AccessKeys: []callers.AccessKey{{ID: accessKey(name), Secret: "SECRET-" + name}}, APIKeys: []callers.Digest{callers.DigestOf("SECRET-key-" + name)},
		Scopes: scopes, Pools: pools,
	}
}

func accessKey(name string) string { return "AKIDEXAMPLE" + strings.ToUpper(name) }

func registry(t testing.TB, people ...callers.Config) *callers.Registry {
	t.Helper()
	r, err := callers.New(account, people)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// knownCallers are a caller with all rights, and one that has none.
func knownCallers(t testing.TB) *callers.Registry {
	t.Helper()
	return registry(t,
		person("boss", []callers.Scope{callers.Developer, callers.Admin}, callers.AnyPool),
		person("idle", nil, callers.AnyPool),
	)
}

// signing is how a request is signed; a zero field is a good one.
type signing struct {
	name, secret, token, service, region string
	at                                   time.Time
	presigned                            bool
}

// sign is r as the SDK signs it.
func (s signing) sign(t testing.TB, r *awswire.Request) *awswire.Request {
	t.Helper()
	or := func(value, good string) string {
		if value == "" {
			return good
		}
		return value
	}
	name := or(s.name, "boss")
	key := aws.Credentials{AccessKeyID: name, SecretAccessKey: s.secret, SessionToken: s.token}
	if s.secret == "" {
		key.AccessKeyID, key.SecretAccessKey = accessKey(name), "SECRET-"+name
	}
	if s.at.IsZero() {
		s.at = signedAt
	}
	out, err := http.NewRequest(r.Method, "http://broker.example"+r.Path+"?"+r.RawQuery, bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range r.Headers {
		if h.Name != "Host" {
			out.Header.Set(h.Name, h.Value)
		}
	}
	sum := sha256.Sum256(r.Body)
	hash, service, region := hex.EncodeToString(sum[:]), or(s.service, "cognito-identity"), or(s.region, "us-east-1")
	if s.presigned {
		uri, headers, err := v4.NewSigner().PresignHTTP(t.Context(), key, out, hash, service, region, s.at)
		if err != nil {
			t.Fatal(err)
		}
		if out.URL, err = out.URL.Parse(uri); err != nil {
			t.Fatal(err)
		}
		out.Header = headers
		out.Header.Del("Host")
	} else if err := v4.NewSigner().SignHTTP(t.Context(), key, out, hash, service, region, s.at); err != nil {
		t.Fatal(err)
	}
	if len(r.Body) > 0 { // which the SDK signs, and the transport sends
		out.Header.Set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	got := received(t, out)
	slices.SortFunc(got.Headers, func(a, b awswire.Header) int { return strings.Compare(a.Name, b.Name) })
	return got
}

func clone(r *awswire.Request) *awswire.Request {
	c := *r
	c.Headers, c.Body = slices.Clone(r.Headers), bytes.Clone(r.Body)
	return &c
}

// guarded is a server with callers, at the time of signing.
func guarded(f *fake, c awswire.Config) *awswire.Server {
	c.API, c.RequestID = f, func() string { return requestID }
	if c.Now == nil {
		c.Now = func() time.Time { return signedAt }
	}
	return awswire.New(c)
}
