package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

const (
	accessKey = "AKIDEXAMPLE"
	secret    = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	region    = "eu-central-1"
	service   = "sts"
)

var signedAt = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// shape is a request before signing.
type shape struct {
	method, path string
	query        url.Values
	headers      map[string]string
	body         string
	token        string
	expires      int // presigned only; 0 states none
}

func (s shape) http(t testing.TB) *http.Request {
	t.Helper()
	u := &url.URL{Scheme: "https", Host: "broker.example:8080", Path: s.path, RawQuery: s.query.Encode()}
	r, err := http.NewRequest(s.method, u.String(), strings.NewReader(s.body))
	if err != nil {
		t.Fatalf("NewRequest: %v", err)
	}
	for name, value := range s.headers {
		r.Header.Set(name, value)
	}
	return r
}

func (s shape) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret, SessionToken: s.token}
}

func (s shape) bodyHash() string {
	sum := sha256.Sum256([]byte(s.body))
	return hex.EncodeToString(sum[:])
}

// signed is s as the SDK signs it in a header.
func (s shape) signed(t testing.TB) sigv4.Request {
	t.Helper()
	r := s.http(t)
	err := v4.NewSigner().SignHTTP(context.Background(), s.credentials(), r, s.bodyHash(), service, region, signedAt)
	if err != nil {
		t.Fatalf("SignHTTP: %v", err)
	}
	return received(r, s.body)
}

// presigned is s as the SDK signs it in the query.
func (s shape) presigned(t testing.TB) sigv4.Request {
	t.Helper()
	r := s.http(t)
	if s.expires != 0 {
		q := r.URL.Query()
		q.Set("X-Amz-Expires", strconv.Itoa(s.expires))
		r.URL.RawQuery = q.Encode()
	}
	uri, headers, err := v4.NewSigner().PresignHTTP(context.Background(), s.credentials(), r, s.bodyHash(), service, region, signedAt)
	if err != nil {
		t.Fatalf("PresignHTTP: %v", err)
	}
	if r.URL, err = url.Parse(uri); err != nil {
		t.Fatalf("parse the presigned address: %v", err)
	}
	r.Header = headers
	return received(r, s.body)
}

// received is r as a server gets it.
func received(r *http.Request, body string) sigv4.Request {
	out := sigv4.Request{
		Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
		Headers: []sigv4.Header{{Name: "Host", Value: r.Host}},
		Body:    []byte(body),
	}
	for name, values := range r.Header {
		if name == "Host" || name == "Content-Length" {
			continue
		}
		for _, v := range values {
			out.Headers = append(out.Headers, sigv4.Header{Name: name, Value: v})
		}
	}
	if len(body) > 0 {
		out.Headers = append(out.Headers, sigv4.Header{Name: "Content-Length", Value: strconv.Itoa(len(body))})
	}
	slices.SortFunc(out.Headers, func(a, b sigv4.Header) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// verify does what a caller does: the access key, which no signature covers,
// decides about the secret.
func verify(r sigv4.Request, now time.Time) error {
	s, err := sigv4.Parse(&r)
	if err != nil {
		return err
	}
	if s.Credential().AccessKeyID != accessKey {
		return errUnknownCaller
	}
	return s.Verify(secret, service, now)
}

var errUnknownCaller = errors.New("unknown access key")

// kind is the kind of err, 0 for none, -1 for another error.
func kind(err error) sigv4.Kind {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return e.Kind
	}
	return -1
}

func clone(r sigv4.Request) sigv4.Request {
	r.Headers = slices.Clone(r.Headers)
	r.Body = bytes.Clone(r.Body)
	return r
}

func with(r sigv4.Request, name, value string) sigv4.Request {
	r = clone(r)
	for i := range r.Headers {
		if strings.EqualFold(r.Headers[i].Name, name) {
			r.Headers[i].Value = value
			return r
		}
	}
	r.Headers = append(r.Headers, sigv4.Header{Name: name, Value: value})
	return r
}

func header(r sigv4.Request, name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// getCallerIdentity is the request that issued credentials are for.
func getCallerIdentity() shape {
	return shape{
		method: "POST", path: "/", token: "a/session+token==",
		headers: map[string]string{
			"Content-Type":      "application/x-www-form-urlencoded; charset=utf-8",
			"User-Agent":        "aws-sdk-go-v2/1.0",
			"X-Amz-User-Agent":  "aws-sdk-js/3",
			"Amz-Sdk-Request":   "attempt=1;  max=3",
			"Accept":            "application/json",
			"X-Amzn-Trace-Id":   "Root=1-2-3",
			"X-Forwarded-Proto": "https",
		},
		body: "Action=GetCallerIdentity&Version=2011-06-15",
	}
}

func presignedGet() shape {
	return shape{
		method: "GET", path: "/", token: "a/session+token==", expires: 60,
		query:   url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}},
		headers: map[string]string{"X-K8s-Aws-Id": "cluster", "X-Amz-Meta-A": "b"},
	}
}
