package main

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cognito-broker/broker/internal/redistest"
)

// hoard is what must not be found anywhere: by what it is, for a test never prints it.
type hoard struct {
	mu    sync.Mutex
	found map[string]string // value by what it is
	seen  map[string]bool   // values
}

func newHoard() *hoard { return &hoard{found: map[string]string{}, seen: map[string]bool{}} }

// add takes values of a kind that are long enough not to be found by accident.
func (h *hoard) add(kind string, values ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range values {
		if len(v) >= 8 && !h.seen[v] {
			h.seen[v] = true
			h.found[fmt.Sprint(kind, " ", len(h.found))] = v
		}
	}
}

// token takes a JWT, whole and in parts that each are enough to know it.
func (h *hoard) token(kind, token string) {
	parts := strings.Split(token, ".")
	h.add(kind, token)
	if len(parts) == 3 {
		h.add(kind+"'s claims", parts[1])
		h.add(kind+"'s signature", parts[2])
	}
}

// grant takes what a REST answer grants.
func (h *hoard) grant(a answer) {
	if id, ok := a.tree["identityId"].(string); ok {
		h.add("identity", id, strings.TrimPrefix(id, "us-east-1:"))
	}
	if token, ok := a.tree["token"].(string); ok {
		h.token("OpenID token", token)
	}
	if c, ok := a.tree["credentials"].(map[string]any); ok {
		for _, name := range []string{"accessKeyId", "secretAccessKey", "sessionToken"} {
			value, _ := c[name].(string)
			h.add(name, value)
		}
	}
}

// forms are the ways in which a value may be spelt: as it is, escaped, in hexadecimal
// and in base64, at each offset that it may have in a longer text.
func forms(value string) []string {
	all := []string{
		value, strings.ToLower(value), strings.ToUpper(value), url.QueryEscape(value), url.PathEscape(value),
		hex.EncodeToString([]byte(value)), strings.ToUpper(hex.EncodeToString([]byte(value))),
	}
	for offset := range 3 {
		// What depends on the bytes before and behind is cut off.
		whole := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + value))
		begin, end := []int{0, 2, 3}[offset], len(whole)
		if (offset+len(value))%3 != 0 {
			end--
		}
		inner := whole[begin:end]
		all = append(all, inner, strings.NewReplacer("+", "-", "/", "_").Replace(inner))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// search reports what of the hoard a text holds, but not what.
func (h *hoard) search(t *testing.T, where, text string) {
	t.Helper()
	for kind, value := range h.found {
		for _, form := range forms(value) {
			if strings.Contains(text, form) {
				t.Errorf("%s: got a %s", where, kind)
				break
			}
		}
	}
}

// tap hears every command that a Redis is sent, also what is gone at once, and what
// was published.
type tap struct {
	mu   sync.Mutex
	text strings.Builder
}

func tapped(t *testing.T, redis *redistest.Server) *tap {
	t.Helper()
	c, err := net.Dial("tcp", redis.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.Write([]byte("MONITOR\r\n")); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(c)
	if _, err := lines.ReadString('\n'); err != nil { // +OK
		t.Fatal(err)
	}
	p := &tap{}
	go func() {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			p.mu.Lock()
			p.text.WriteString(line)
			p.mu.Unlock()
		}
	}()
	return p
}

func (p *tap) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// The search finds a value however it is spelt.
func TestHoardIsFound(t *testing.T) {
	t.Parallel()
	const value = "us-east-1:0f0e0d0c-1111-4222-8333-444455556666"
	for name, text := range map[string]string{
		"plain":        "key b:{" + value + "}:v",
		"upper case":   strings.ToUpper(value),
		"URL":          "/v1/identities/" + url.QueryEscape(value) + "/purge",
		"hexadecimal":  hex.EncodeToString([]byte("<" + value + ">")),
		"base64, 0":    base64.StdEncoding.EncodeToString([]byte(value + " and more")),
		"base64, 1":    base64.URLEncoding.EncodeToString([]byte("1" + value + "x")),
		"base64, 2":    base64.StdEncoding.EncodeToString([]byte("12" + value)),
		"base64, 3":    base64.RawURLEncoding.EncodeToString([]byte("123" + value + "yz")),
		"base64, json": base64.StdEncoding.EncodeToString([]byte(`{"IdentityId":"` + value + `"}`)),
	} {
		if !slices.ContainsFunc(forms(value), func(form string) bool { return strings.Contains(text, form) }) {
			t.Errorf("%s: got nothing, want the value found", name)
		}
	}
	other := strings.Replace(value, "0f0e", "0f0f", 1)
	for _, form := range forms(value) {
		for _, text := range forms(other) {
			if strings.Contains(text, form) {
				t.Error("another value: got it taken for this one")
			}
		}
	}
}
