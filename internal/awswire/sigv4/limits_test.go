package sigv4_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

// base bears a well-formed signature that does not fit, so a request within the
// limits ends in Mismatch.
func base() sigv4.Request {
	return plain(
		sigv4.Header{Name: "X-Amz-Date", Value: goodDate},
		sigv4.Header{Name: "Authorization", Value: authorization(goodScope, "host;x-amz-date", anyHash)},
	)
}

func TestLimits(t *testing.T) {
	headers := func(n int) sigv4.Request {
		r := base()
		for len(r.Headers) < n {
			r.Headers = append(r.Headers, sigv4.Header{Name: fmt.Sprint("H", len(r.Headers)), Value: "v"})
		}
		return r
	}
	used := 0
	for _, h := range base().Headers {
		used += len(h.Name) + len(h.Value)
	}
	filled := func(total int) sigv4.Request {
		return with(base(), "F", strings.Repeat("v", total-used-1))
	}
	line := func(method, path, query string) sigv4.Request {
		r := base()
		r.Method, r.Path, r.RawQuery = method, path, query
		return r
	}
	signedNames := func(n int) sigv4.Request {
		r := base()
		var names []string
		for i := range n - 2 {
			name := fmt.Sprintf("a%03d", i)
			names = append(names, name)
			r = with(r, name, "v")
		}
		names = append(names, "host", "x-amz-date")
		return with(r, "Authorization", authorization(goodScope, strings.Join(names, ";"), anyHash))
	}
	padded := func(n int) sigv4.Request {
		v := authorization(goodScope, "host;x-amz-date", anyHash)
		return with(base(), "Authorization", strings.Replace(v, ", ", strings.Repeat(" ", n-len(v)+1)+",", 1))
	}
	for _, tt := range []struct {
		name    string
		request sigv4.Request
		within  bool
	}{
		{"headers at most", headers(100), true},
		{"headers over", headers(101), false},
		{"header bytes at most", filled(32 << 10), true},
		{"header bytes over", filled(32<<10 + 1), false},
		{"header name at most", with(base(), strings.Repeat("n", 256), "v"), true},
		{"header name over", with(base(), strings.Repeat("n", 257), "v"), false},
		{"header name empty", with(base(), "", "v"), false},
		{"header name with space", with(base(), "a b", "v"), false},
		{"header name with colon", with(base(), "a:b", "v"), false},
		{"header name of all letters", with(base(), "azAZ09!", "v"), true},
		{"header name with brace", with(base(), "a{", "v"), false},
		{"header name with bracket", with(base(), "A[", "v"), false},
		{"header name not ascii", with(base(), "ä", "v"), false},
		{"header value with line feed", with(base(), "A", "v\nx-amz-b:c"), false},
		{"header value with carriage return", with(base(), "A", "v\r"), false},
		{"header value with null", with(base(), "A", "\x00"), false},
		{"header value with delete", with(base(), "A", "\x7f"), false},
		{"header value with tab", with(base(), "A", "a\tb"), true},
		{"header value not ascii", with(base(), "A", "ä"), true},
		{"method at most", line(strings.Repeat("M", 20), "/", ""), true},
		{"method over", line(strings.Repeat("M", 21), "/", ""), false},
		{"method empty", line("", "/", ""), false},
		{"method of one letter", line("Z", "/", ""), true},
		{"method in lower case", line("get", "/", ""), false},
		{"method with bracket", line("GET[", "/", ""), false},
		{"method with line feed", line("GET\n", "/", ""), false},
		{"path at most", line("GET", "/"+strings.Repeat("p", 4095), ""), true},
		{"path over", line("GET", "/"+strings.Repeat("p", 4096), ""), false},
		{"path empty", line("GET", "", ""), false},
		{"path relative", line("GET", "a", ""), false},
		{"path with query", line("GET", "/?a", ""), false},
		{"path with fragment", line("GET", "/#a", ""), false},
		{"path with space", line("GET", "/a b", ""), false},
		{"path with line feed", line("GET", "/a\nb", ""), false},
		{"path not ascii", line("GET", "/ä", ""), false},
		{"path with escaped slash", line("GET", "/a%2Fb", ""), true},
		{"path ending in a slash", line("GET", "/a/", ""), true},
		{"path with escaped slash in lower case", line("GET", "/a%2f", ""), true},
		{"path with exclamation mark", line("GET", "/a!", ""), true},
		{"path with delete", line("GET", "/a\x7f", ""), false},
		{"path with bad escape", line("GET", "/%zz", ""), false},
		{"path with bad first half of an escape", line("GET", "/%g1", ""), false},
		{"path with bad second half of an escape", line("GET", "/%1g", ""), false},
		{"path with cut escape", line("GET", "/%4", ""), false},
		{"path with bare percent", line("GET", "/a%", ""), false},
		{"path with two slashes", line("GET", "//a", ""), false},
		{"path with inner slashes", line("GET", "/a//b", ""), false},
		{"path of two slashes", line("GET", "//", ""), false},
		{"path with dot", line("GET", "/a/.", ""), false},
		{"path with two dots", line("GET", "/../a", ""), false},
		{"path with escaped dots", line("GET", "/%2e%2E/a", ""), false},
		{"path with three dots", line("GET", "/...", ""), true},
		{"query at most", line("GET", "/", "a="+strings.Repeat("v", 16<<10-2)), true},
		{"query over", line("GET", "/", "a="+strings.Repeat("v", 16<<10-1)), false},
		{"parameters at most", line("GET", "/", strings.Repeat("a&", 99)+"a"), true},
		{"parameters over", line("GET", "/", strings.Repeat("a&", 100)+"a"), false},
		{"query with bad escape", line("GET", "/", "a=%gg"), false},
		{"query with bad escape in name", line("GET", "/", "%g=a"), false},
		{"query with cut escape", line("GET", "/", "a=%4"), false},
		{"query with semicolon", line("GET", "/", "a;b"), false},
		{"query with fragment", line("GET", "/", "a#b"), false},
		{"query with space", line("GET", "/", "a b"), false},
		{"query with line feed", line("GET", "/", "a\nb"), false},
		{"query not ascii", line("GET", "/", "ä"), false},
		{"query with empty parameter", line("GET", "/", "a&&b"), false},
		{"query ending in ampersand", line("GET", "/", "a&"), false},
		{"query without name", line("GET", "/", "=a"), false},
		{"signed headers at most", signedNames(50), true},
		{"signed headers over", signedNames(51), false},
		{"authorization at most", padded(8 << 10), true},
		{"authorization over", padded(8<<10 + 1), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := sigv4.Incomplete
			if tt.within {
				want = sigv4.Mismatch
			}
			if err := verify(tt.request, signedAt); kind(err) != want {
				t.Errorf("got %v (%v), want %v", kind(err), err, want)
			}
		})
	}
}

// Routing headers may not be repeated even where no signature covers them.
func TestRepeatedRoutingHeadersAreRefused(t *testing.T) {
	for _, name := range []string{
		"Authorization", "Host", "Date", "Content-Type", "Content-Length", "Transfer-Encoding", "X-Amz-Date", "X-Amz-Target",
		"X-Amz-Security-Token", "X-Amz-Content-Sha256",
	} {
		r := byHand(plain(sigv4.Header{Name: "X-Amz-Date", Value: goodDate}), "host", "x-amz-date")
		v := header(r, name)
		for _, n := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			r.Headers = append(r.Headers, sigv4.Header{Name: n, Value: v})
		}
		want := "The request repeats the header '" + strings.ToLower(name) + "'."
		if err := verify(r, signedAt); kind(err) != sigv4.Incomplete || err.Error() != want {
			t.Errorf("%s: got %v (%v), want %s", name, kind(err), err, want)
		}
	}
}
