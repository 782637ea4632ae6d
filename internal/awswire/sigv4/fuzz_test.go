package sigv4_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

// FuzzParse throws any request at the parser. Only one that says the same as a
// seed may verify.
func FuzzParse(f *testing.F) {
	rest := shape{method: "POST", path: "/v1/pools/us-east-1:0/x", body: "{}", headers: map[string]string{"Accept": "a  b"}}
	seeds := []sigv4.Request{
		getCallerIdentity().signed(f), getCallerIdentity().presigned(f), presignedGet().signed(f), presignedGet().presigned(f),
		rest.signed(f), rest.presigned(f), base(),
	}
	for _, r := range seeds {
		f.Add(r.Method, r.Path, r.RawQuery, flat(r.Headers), r.Body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, headers string, body []byte) {
		r := sigv4.Request{Method: method, Path: path, RawQuery: query, Headers: unflat(headers), Body: body}
		err := verify(r, signedAt)
		if s, parseErr := sigv4.Parse(&r); parseErr == nil && s.Presigned() && query == "" {
			t.Fatal("presigned without a query")
		}
		if err == nil {
			for _, s := range seeds {
				if s.Method == method && s.Path == path && bytes.Equal(s.Body, body) {
					return
				}
			}
			t.Fatal("verifies, yet nobody signed it")
		}
		if errors.Is(err, errUnknownCaller) {
			return
		}
		if k := kind(err); k < sigv4.Missing || k > sigv4.Scope || k.String() == "unknown" {
			t.Fatalf("got kind %v, want a known one", k)
		}
		if strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 512 {
			t.Fatalf("got a message of %d bytes, or of several lines", len(err.Error()))
		}
	})
}

func flat(headers []sigv4.Header) string {
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h.Name + ": " + h.Value + "\n")
	}
	return b.String()
}

func unflat(text string) []sigv4.Header {
	var out []sigv4.Header
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		name, value, _ := strings.Cut(line, ":")
		out = append(out, sigv4.Header{Name: name, Value: value})
	}
	return out
}
