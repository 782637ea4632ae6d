package devidp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/devidp"
)

func key(t *testing.T) *devidp.Key {
	t.Helper()
	k, err := devidp.LoadOrCreateKey("")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A real verifier takes the tokens through real discovery.
func TestTokensVerifyThroughDiscovery(t *testing.T) {
	k := key(t)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	issuer := server.URL + "/dev/idp"
	mux.HandleFunc("/dev/idp/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(devidp.Discovery(issuer))
	})
	mux.HandleFunc("/dev/idp/jwks", func(w http.ResponseWriter, _ *http.Request) { w.Write(k.JWKS()) })
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	token, err := k.Mint(devidp.TokenRequest{
		Issuer: issuer, User: "alice", Audience: "demo-app", TTL: time.Hour, Now: time.Now(),
		Claims: map[string]any{"department": "sales"},
	})
	if err != nil {
		t.Fatal(err)
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: "demo-app"}).Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Department string }
	if err := verified.Claims(&claims); err != nil || claims.Department != "sales" || verified.Subject != "alice" {
		t.Errorf("got %v %q %v, want sales, alice", claims, verified.Subject, err)
	}
}

func TestRacingProcessesEndWithOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "key.pem")
	var wg sync.WaitGroup
	ids := make([]string, 4)
	for n := range ids {
		wg.Go(func() {
			k, err := devidp.LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[n] = k.String()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("got keys %v, want one", ids)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v %v, want the key file alone", entries, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v %v, want mode 0600", info, err)
	}
}

func TestBadKeyFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"nonsense": {"nonsense", 0o600, "no PEM"},
		"open":     {"nonsense", 0o644, "may be read by others"},
		"no key":   {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o600, "no PKCS #8"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := devidp.LoadOrCreateKey(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestMintRefuses(t *testing.T) {
	k := key(t)
	good := devidp.TokenRequest{Issuer: "http://x", User: "u", Audience: "a", TTL: time.Hour, Now: time.Now()}
	for name, change := range map[string]func(*devidp.TokenRequest){
		"no user":        func(r *devidp.TokenRequest) { r.User = "" },
		"long user":      func(r *devidp.TokenRequest) { r.User = strings.Repeat("u", 256) },
		"no audience":    func(r *devidp.TokenRequest) { r.Audience = "" },
		"no life":        func(r *devidp.TokenRequest) { r.TTL = 0 },
		"too long":       func(r *devidp.TokenRequest) { r.TTL = 25 * time.Hour },
		"another issuer": func(r *devidp.TokenRequest) { r.Claims = map[string]any{"iss": "x"} },
		"too large":      func(r *devidp.TokenRequest) { r.Claims = map[string]any{"x": strings.Repeat("x", 50000)} },
	} {
		r := good
		change(&r)
		if _, err := k.Mint(r); err == nil {
			t.Errorf("%s: got a token, want an error", name)
		}
	}
	if _, err := k.Mint(good); err != nil {
		t.Errorf("a good request: got %v", err)
	}
}

func TestParseClaim(t *testing.T) {
	for text, want := range map[string]string{
		"a=b": "string b", "a=b=c": "string b=c", "a=": "string ", "a=true": "bool true", "a=7": "json.Number 7",
		`a="7"`: "string 7", `a=["x","y"]`: "[]interface {} [x y]", "a=null": "string null", "a=1 2": "string 1 2",
		"a=[1": "string [1",
	} {
		name, value, err := devidp.ParseClaim(text)
		if diff := cmp.Diff(want, fmt.Sprintf("%T %v", value, value)); diff != "" || name != "a" || err != nil {
			t.Errorf("%s: got %s %v %v", text, name, value, err)
		}
	}
	for _, text := range []string{"a", "=b", "sub=x", "SUB=x", "\u017fub=x", "Iss=x", "exp=1", ""} {
		if _, _, err := devidp.ParseClaim(text); err == nil {
			t.Errorf("%q: got no error, want one", text)
		}
	}
}
