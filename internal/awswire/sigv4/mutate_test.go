package sigv4_test

import (
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

// unsignedHeader says whether the SDK leaves a header out of its signatures, so
// that it may change on the way.
func unsignedHeader(name string) bool {
	switch name {
	case "User-Agent", "X-Amzn-Trace-Id", "Expect", "Transfer-Encoding":
		return true
	}
	return false
}

// headerMutations are all single changes to one header of r, by name.
func headerMutations(r sigv4.Request) map[string]sigv4.Request {
	out := map[string]sigv4.Request{}
	for i, h := range r.Headers {
		if unsignedHeader(h.Name) {
			continue
		}
		changed := clone(r)
		changed.Headers[i].Value += "x"
		out["value of "+h.Name+" longer"] = changed
		if h.Value != "" {
			changed = clone(r)
			changed.Headers[i].Value = h.Value[1:]
			out["value of "+h.Name+" shorter"] = changed
		}
		removed := clone(r)
		removed.Headers = slices.Delete(removed.Headers, i, i+1)
		out["without "+h.Name] = removed
		renamed := clone(r)
		renamed.Headers[i].Name += "x"
		out["renamed "+h.Name] = renamed
		same := clone(r)
		same.Headers = append(same.Headers, h)
		out["twice "+h.Name] = same
		before, after := clone(r), clone(r)
		other := sigv4.Header{Name: strings.ToLower(h.Name), Value: "other"}
		before.Headers = slices.Insert(before.Headers, 0, other)
		after.Headers = append(after.Headers, other)
		out["another "+h.Name+" before"], out["another "+h.Name+" after"] = before, after
	}
	for _, name := range []string{"X-Amz-Target", "x-amz-content-sha256", "X-AMZ-Security-Token", "x-amz-date"} {
		out["additional "+name] = with(r, name, strings.Repeat("0", 64))
	}
	return out
}

// lineMutations are changes to method, path and body.
func lineMutations(r sigv4.Request) map[string]sigv4.Request {
	out := map[string]sigv4.Request{}
	edit := func(name string, change func(*sigv4.Request)) {
		c := clone(r)
		change(&c)
		out[name] = c
	}
	edit("other method", func(c *sigv4.Request) { c.Method = "PUT" })
	edit("lower-case method", func(c *sigv4.Request) { c.Method = strings.ToLower(c.Method) })
	edit("longer path", func(c *sigv4.Request) { c.Path += "x" })
	edit("slash behind the path", func(c *sigv4.Request) { c.Path += "/" })
	edit("escape in the path", func(c *sigv4.Request) { c.Path += "%41" })
	edit("slash before the path", func(c *sigv4.Request) { c.Path = "/" + c.Path })
	edit("dot segment", func(c *sigv4.Request) { c.Path = "/." + c.Path })
	edit("two dots", func(c *sigv4.Request) { c.Path = "/x/.." + c.Path })
	edit("additional parameter", func(c *sigv4.Request) { c.RawQuery = strings.TrimPrefix(c.RawQuery+"&a=b", "&") })
	edit("additional name", func(c *sigv4.Request) { c.RawQuery = strings.TrimPrefix(c.RawQuery+"&a", "&") })
	edit("longer body", func(c *sigv4.Request) { c.Body = append(c.Body, 'x') })
	edit("query as body", func(c *sigv4.Request) { c.Body = append([]byte(c.RawQuery), c.Body...); c.Body = append(c.Body, '&') })
	if len(r.Body) > 0 {
		edit("shorter body", func(c *sigv4.Request) { c.Body = c.Body[1:] })
		edit("no body", func(c *sigv4.Request) { c.Body = nil })
	}
	for i := range r.Body {
		edit("body byte "+strconv.Itoa(i), func(c *sigv4.Request) { c.Body[i] ^= 1 })
	}
	return out
}

func TestEveryMutationIsRefused(t *testing.T) {
	post, get := getCallerIdentity(), presignedGet()
	get.headers["X-Amz-Content-Sha256"] = get.bodyHash()
	rest := shape{method: "POST", path: "/v1/pools/us-east-1:0/developer/token", body: "{}", query: url.Values{"a": {"1", "2"}}}
	hashed := getCallerIdentity()
	hashed.headers["X-Amz-Content-Sha256"] = hashed.bodyHash()
	for name, r := range map[string]sigv4.Request{
		"header": post.signed(t), "presigned": get.presigned(t), "presigned with body": post.presigned(t),
		"rest": rest.signed(t), "rest presigned": rest.presigned(t), "header with hash": hashed.signed(t),
	} {
		t.Run(name, func(t *testing.T) {
			if err := verify(r, signedAt); err != nil {
				t.Fatalf("as signed: got %v, want none", err)
			}
			for _, mutations := range []map[string]sigv4.Request{headerMutations(r), lineMutations(r)} {
				for what, m := range mutations {
					if verify(m, signedAt) == nil {
						t.Errorf("%s: got none, want a refusal", what)
					}
				}
			}
		})
	}
}

func TestEveryChangedCharacterOfTheAuthorizationIsRefused(t *testing.T) {
	r := getCallerIdentity().signed(t)
	value := header(r, "Authorization")
	for i := range value {
		for _, c := range []byte("0aAzZ9/;,= -") {
			if value[i] == c {
				continue
			}
			if verify(with(r, "Authorization", value[:i]+string(c)+value[i+1:]), signedAt) == nil {
				t.Errorf("character %d as %q: got none, want a refusal", i, c)
			}
		}
		if value[i] != ' ' && verify(with(r, "Authorization", value[:i]+value[i+1:]), signedAt) == nil {
			t.Errorf("character %d left out: got none, want a refusal", i)
		}
		if verify(with(r, "Authorization", value[:i]), signedAt) == nil {
			t.Errorf("cut off at %d: got none, want a refusal", i)
		}
	}
}

// Where a changed query still means the same it may verify: the signature covers
// decoded parameters.
func TestEveryChangedCharacterOfAPresignedQueryIsRefused(t *testing.T) {
	r := presignedGet().presigned(t)
	want, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	try := func(raw, what string, i int) {
		if got, err := url.ParseQuery(raw); err == nil && reflect.DeepEqual(got, want) && !strings.Contains(raw, "&&") {
			return
		}
		m := clone(r)
		m.RawQuery = raw
		if verify(m, signedAt) == nil {
			t.Errorf("character %d %s: got none, want a refusal", i, what)
		}
	}
	for i := range r.RawQuery {
		for _, c := range []byte("0aAzZ9f/;&=%+-") {
			if r.RawQuery[i] != c {
				try(r.RawQuery[:i]+string(c)+r.RawQuery[i+1:], "as "+string(c), i)
			}
		}
		try(r.RawQuery[:i]+r.RawQuery[i+1:], "left out", i)
		try(r.RawQuery[:i], "and all behind it left out", i)
		try(r.RawQuery[:i]+"&"+r.RawQuery[i:], "behind an ampersand", i)
	}
}

func TestEachPresignedParameterRemovedOrRepeatedIsRefused(t *testing.T) {
	r := presignedGet().presigned(t)
	items := strings.Split(r.RawQuery, "&")
	for i, item := range items {
		name, _, _ := strings.Cut(item, "=")
		for what, changed := range map[string][]string{
			"removed":       slices.Delete(slices.Clone(items), i, i+1),
			"repeated":      append(slices.Clone(items), item),
			"given twice":   append([]string{name + "=1"}, items...),
			"in lower case": append(slices.Clone(items), strings.ToLower(item)),
		} {
			m := clone(r)
			m.RawQuery = strings.Join(changed, "&")
			if verify(m, signedAt) == nil {
				t.Errorf("%s %s: got none, want a refusal", name, what)
			}
		}
	}
}

// One random change to any request of the SDK's.
func TestAnyChangedRequestIsRefused(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := shapes(rt)
		if s.expires == 1 {
			s.expires = 60
		}
		r := s.signed(t)
		if rapid.Bool().Draw(rt, "presigned") {
			r = s.presigned(t)
		}
		all := headerMutations(r)
		for what, m := range lineMutations(r) {
			all[what] = m
		}
		names := make([]string, 0, len(all))
		for what := range all {
			names = append(names, what)
		}
		slices.Sort(names)
		what := rapid.SampledFrom(names).Draw(rt, "change")
		// Trailing spaces and empty values mean the same to a signer.
		if sameMeaning(r, all[what]) {
			return
		}
		if verify(all[what], signedAt.Add(time.Second)) == nil {
			rt.Fatalf("%s: got none, want a refusal", what)
		}
	})
}

// sameMeaning says whether two requests differ at most in spaces that no signer
// tells apart.
func sameMeaning(a, b sigv4.Request) bool {
	fold := func(hs []sigv4.Header) []string {
		var out []string
		for _, h := range hs {
			out = append(out, strings.ToLower(h.Name)+":"+strings.Join(strings.FieldsFunc(h.Value, func(r rune) bool { return r == ' ' }), " "))
		}
		return out
	}
	return a.Method == b.Method && a.Path == b.Path && a.RawQuery == b.RawQuery && string(a.Body) == string(b.Body) &&
		slices.Equal(fold(a.Headers), fold(b.Headers))
}

// What a signature does not cover may change: proxies do so.
func TestUnsignedHeadersMayChange(t *testing.T) {
	r := getCallerIdentity().signed(t)
	cookies := clone(r)
	cookies.Headers = append(cookies.Headers, sigv4.Header{Name: "Cookie", Value: "a"}, sigv4.Header{Name: "Cookie", Value: "b"})
	for what, m := range map[string]sigv4.Request{
		"another User-Agent":    with(r, "User-Agent", "proxy"),
		"another trace":         with(r, "X-Amzn-Trace-Id", "Root=9"),
		"an additional header":  with(r, "X-Real-Ip", "192.0.2.1"),
		"names in lower case":   lowered(r),
		"spaces around a value": with(r, "Accept", "  application/json \t"),
		"spaces within a value": with(r, "Amz-Sdk-Request", "attempt=1; max=3"),
		"an unsigned one twice": cookies,
	} {
		if err := verify(m, signedAt); err != nil {
			t.Errorf("%s: got %v, want none", what, err)
		}
	}
}

func lowered(r sigv4.Request) sigv4.Request {
	r = clone(r)
	for i := range r.Headers {
		r.Headers[i].Name = strings.ToLower(r.Headers[i].Name)
	}
	return r
}
