package logins_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// Issuers that end in a slash: the key in Logins has none, discovery asks beside it,
// and iss is exact.
func TestIssuersWithASlash(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	idp.URL += "/"
	p := newProver(t, idp, c)
	if _, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil)); err != nil {
		t.Fatalf("got %v, want a proof", err)
	}
	if _, err := p.Prove(t.Context(), idp.Name(),
		idp.Token(idptest.Claims{"iss": strings.TrimSuffix(idp.URL, "/")})); refusal(err) != mismatch {
		t.Errorf("iss without the slash: got %v, want %q", err, mismatch)
	}
	if _, err := p.Prove(t.Context(), idp.Name()+"/", idp.Token(nil)); !errors.Is(err, logins.ErrUnknownProvider) {
		t.Errorf("the key with a slash: got %v, want unknown", err)
	}
	if err := p.Peek(idp.Name(), idp.Token(nil)); err != nil {
		t.Errorf("peek: got %v", err)
	}
	plain := idptest.Start(t)
	if _, err := newProver(t, plain, c).Prove(t.Context(), plain.Name(),
		plain.Token(idptest.Claims{"iss": plain.URL + "/"})); refusal(err) != mismatch {
		t.Errorf("iss with a slash that the issuer has not: got %v, want %q", err, mismatch)
	}
}

// Some issuers serve keys as a type of their own and nothing else.
func TestTypesOfKeySets(t *testing.T) {
	for _, only := range []string{"application/jwk-set+json", "application/json", "text/plain"} {
		idp, c := idptest.Start(t), newClock()
		idp.ServeKeys(func(w http.ResponseWriter, r *http.Request) {
			accept := r.Header.Get("Accept")
			if !strings.Contains(accept, only) && !strings.Contains(accept, "*/*") {
				w.WriteHeader(http.StatusNotAcceptable)
				return
			}
			if only != "text/plain" && !strings.Contains(accept, only) {
				t.Errorf("Accept: got %q, want %s named", accept, only)
			}
			w.Header().Set("Content-Type", only)
			serving(set(members(t, &idptest.Key(0).PublicKey, "k0")))(w, r)
		})
		if _, err := proverOf(t, idp, c, nil).Prove(t.Context(), idp.Name(), idp.Token(nil)); err != nil {
			t.Errorf("%s: got %v, want a proof", only, err)
		}
	}
}

// A large discovery document is read; one beyond the bound is not.
func TestLargeDiscovery(t *testing.T) {
	for size, want := range map[int]bool{900 << 10: true, 1 << 20: false} {
		idp, c := idptest.Start(t), newClock()
		keys := idp.URL + "/keys"
		idp.ServeKeys(serving(set(members(t, &idptest.Key(0).PublicKey, "k0"))))
		idp.Break(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				serving(set(members(t, &idptest.Key(0).PublicKey, "k0")))(w, r)
				return
			}
			json.NewEncoder(w).Encode(map[string]string{"issuer": idp.URL, "jwks_uri": keys, "x": strings.Repeat("x", size)})
		})
		if _, err := proverOf(t, idp, c, nil).Prove(t.Context(), idp.Name(), idp.Token(nil)); (err == nil) != want {
			t.Errorf("%d bytes: got %v, want proved %v", size, err, want)
		}
	}
}

// A redirect to another host is not followed, though all that stands there is right;
// on the same host a few are.
func TestRedirects(t *testing.T) {
	keys := set(members(t, &idptest.Key(0).PublicKey, "k0"))
	for name, f := range map[string]struct {
		hops  int
		other bool
		want  bool
	}{
		"none": {0, false, true}, "three at home": {3, false, true}, "four at home": {4, false, false},
		"one abroad": {1, true, false},
	} {
		idp, c := idptest.Start(t), newClock()
		var reached atomic.Bool
		abroad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reached.Store(true)
			serving(keys)(w, r)
		}))
		t.Cleanup(abroad.Close)
		hops := f.hops
		idp.ServeKeys(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case hops == 0:
				serving(keys)(w, r)
			case f.other:
				http.Redirect(w, r, abroad.URL, http.StatusFound)
			default:
				hops--
				http.Redirect(w, r, "/keys", http.StatusFound)
			}
		})
		_, err := proverOf(t, idp, c, nil).Prove(t.Context(), idp.Name(), idp.Token(nil))
		if (err == nil) != f.want {
			t.Errorf("%s: got %v, want proved %v", name, err, f.want)
		}
		if reached.Load() {
			t.Errorf("%s: the other host was asked", name)
		}
	}
}

// A new key under the id of the old one is taken within the next fetch.
func TestNewKeyUnderTheSameID(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	old := idp.Token(nil)
	proof, err := p.Prove(t.Context(), idp.Name(), old)
	if err != nil {
		t.Fatal(err)
	}
	idp.ServeKeys(serving(set(members(t, &idptest.Key(2).PublicKey, "k0"))))
	token := func(n int) string { return idp.Sign(idptest.Claims{"n": n}, jose.RS256, idptest.Key(2), "k0") }
	if _, err := p.Prove(t.Context(), idp.Name(), token(0)); refusal(err) != unsigned {
		t.Errorf("within 30 s of a fetch: got %v, want refused", err)
	}
	c.advance(30 * time.Second)
	if _, err := p.Prove(t.Context(), idp.Name(), token(1)); err != nil {
		t.Errorf("after 30 s: got %v, want a proof", err)
	}
	if got := idp.Fetches.Load(); got != 2 {
		t.Errorf("fetches: got %d, want 2", got)
	}
	if proof.Holds(c.now()) {
		t.Error("a proof by the key that is gone: got holding, want not")
	}
	// An outage does not turn a wrong signature into a passing fault.
	idp.Break(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	c.advance(30 * time.Second)
	if _, err := p.Prove(t.Context(), idp.Name(),
		idp.Sign(nil, jose.RS256, idptest.Key(0), "k0")); refusal(err) != unsigned {
		t.Errorf("a wrong signature in an outage: got %v, want refused", err)
	}
}

// Keys from where the configuration says: no discovery is asked for.
func TestKeysURLAndLocalKeys(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := proverOf(t, idp, c, func(p *logins.Provider) { p.KeysURL = idp.URL + "/keys" })
	if _, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil)); err != nil {
		t.Errorf("jwks_uri: got %v", err)
	}
	local := proverOf(t, idp, c, func(p *logins.Provider) {
		p.Keys = func(context.Context) ([]byte, error) {
			return []byte(set(members(t, &idptest.Key(0).PublicKey, "k0"))), nil
		}
	})
	if _, err := local.Prove(t.Context(), idp.Name(), idp.Token(nil)); err != nil {
		t.Errorf("local keys: got %v", err)
	}
	if got := idp.Discoveries.Load(); got != 0 || idp.Fetches.Load() != 1 {
		t.Errorf("got %d discoveries, %d fetches; want 0, 1", got, idp.Fetches.Load())
	}
}

// A provider's servers are trusted by its own roots, and by no others then.
func TestRoots(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	server := httptest.NewTLSServer(serving(set(members(t, &idptest.Key(0).PublicKey, "k0"))))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for name, f := range map[string]struct {
		roots *x509.CertPool
		want  bool
	}{"its own": {roots, true}, "the system's": {nil, false}, "others": {x509.NewCertPool(), false}} {
		p := proverOf(t, idp, c, func(p *logins.Provider) { p.KeysURL, p.Roots = server.URL, f.roots })
		if _, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil)); (err == nil) != f.want {
			t.Errorf("%s: got %v, want proved %v", name, err, f.want)
		}
	}
}

// An error of a fetch does not repeat the address, whose query may hold a secret.
func TestFetchErrorsAreSilent(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := proverOf(t, idp, c, func(p *logins.Provider) { p.KeysURL = "http://127.0.0.1:1/keys?code=5ecret" })
	if _, err := p.Ask(t.Context(), idp.Name()); err == nil || strings.Contains(err.Error(), "5ecret") {
		t.Errorf("got %v, want an error without the query", err)
	}
}

// A proof ends with the key set that it rests on, 24 hours after the last fetch, also
// where it is young and its token alive.
func TestHoldsEndsWithTheKeySet(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	if _, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil)); err != nil {
		t.Fatal(err)
	}
	fetched := c.now()
	idp.Break(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	c.advance(24*time.Hour - 5*time.Minute)
	proof, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil))
	if err != nil {
		t.Fatalf("by keys of nearly 24 hours: got %v", err)
	}
	for after, want := range map[time.Duration]bool{24*time.Hour - time.Nanosecond: true, 24 * time.Hour: false} {
		if got := proof.Holds(fetched.Add(after)); got != want {
			t.Errorf("%v after the last fetch: got holds %v, want %v", after, got, want)
		}
	}
}

// downgrading is a server that leads from https to http on the same host.
type downgrading struct{ keys []byte }

func (d downgrading) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.URL.Scheme == "https" {
		http.Redirect(w, r, "http://"+r.URL.Host+r.URL.Path, http.StatusFound)
	} else {
		w.Write(d.keys)
	}
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// A redirect keeps the scheme: whoever is on the way must not replace the keys.
func TestRedirectsKeepTheScheme(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	idp.SetNow(c.now)
	keys := set(members(t, &idptest.Key(0).PublicKey, "k0"))
	for scheme, proved := range map[string]bool{"https": false, "http": true} {
		p, err := logins.New(logins.Config{Now: c.now, Transport: downgrading{[]byte(keys)}, Providers: []logins.Provider{{
			Name: idp.Name(), Issuer: idp.URL, ClientIDs: []string{idptest.ClientID}, KeysURL: scheme + "://keys.example/set",
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil)); (err == nil) != proved {
			t.Errorf("%s: got %v, want proved: %v", scheme, err, proved)
		}
	}
}
