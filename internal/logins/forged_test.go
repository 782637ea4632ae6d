package logins_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_790_000_000, 0)} }

func (c *clock) now() time.Time          { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) advance(d time.Duration) { c.mu.Lock(); c.at = c.at.Add(d); c.mu.Unlock() }

// newProver takes as long to fetch as a loaded machine may need.
func newProver(t *testing.T, idp *idptest.Issuer, c *clock) *logins.Prover {
	t.Helper()
	return hastyProver(t, idp, c, time.Minute)
}

// hastyProver gives a fetch no longer than timeout, and no part of it another
// limit.
func hastyProver(t *testing.T, idp *idptest.Issuer, c *clock, timeout time.Duration) *logins.Prover {
	t.Helper()
	patient := &http.Transport{}
	t.Cleanup(patient.CloseIdleConnections)
	idp.SetNow(c.now)
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: idp.Name(), Issuer: idp.URL,
			ClientIDs: []string{idptest.ClientID, "app-2"}}},
		CognitoIssuers: []string{"https://cognito-identity.amazonaws.com"},
		Now:            c.now, FetchTimeout: timeout, Transport: patient,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// refusal is the text of a refusal; anything else is spelled out.
func refusal(err error) string {
	if r, ok := errors.AsType[*logins.Refused](err); ok {
		return r.Message
	}
	return fmt.Sprintf("%T", err)
}

const (
	unsigned = "Invalid login token. Couldn't verify signed token."
	noToken  = "Invalid login token. Not a valid OpenId Connect identity token."
	mismatch = "Invalid login token. Issuer doesn't match providerName"
	audience = "Invalid login token. Incorrect token audience."
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestForgedTokens(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	public, err := x509.MarshalPKIXPublicKey(&idptest.Key(0).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	good := idp.Token(nil)
	parts := strings.Split(good, ".")
	now := c.now().Unix()
	raw := func(payload string) string { return parts[0] + "." + b64(payload) + "." + parts[2] }
	for name, f := range map[string]struct{ token, want string }{
		"other key":                 {idp.Sign(nil, jose.RS256, idptest.Key(2), "k0"), unsigned},
		"other key, unknown kid":    {idp.Sign(nil, jose.RS256, idptest.Key(2), "k9"), unsigned},
		"none":                      {b64(`{"alg":"none"}`) + "." + parts[1] + ".", unsigned},
		"HS256 with the public key": {idp.Sign(nil, jose.HS256, secret, "k0"), unsigned},
		"PS256":                     {idp.Sign(nil, jose.PS256, idptest.Key(0), "k0"), unsigned},
		"wrong issuer":              {idp.Token(idptest.Claims{"iss": "https://elsewhere.example"}), mismatch},
		"no issuer":                 {idp.Token(idptest.Claims{"iss": nil}), mismatch},
		"wrong audience":            {idp.Token(idptest.Claims{"aud": "other-app"}), audience},
		"other client's azp":        {idp.Token(idptest.Claims{"azp": "other-app"}), audience},
		"empty azp":                 {idp.Token(idptest.Claims{"azp": ""}), audience},
		"azp beside a foreign aud":  {idp.Token(idptest.Claims{"aud": "other-app", "azp": "app-2"}), ""},
		"no audience": {idp.Token(idptest.Claims{"aud": nil}),
			"Invalid login token. Missing a required claim: aud"},
		"no subject": {idp.Token(idptest.Claims{"sub": nil}),
			"Invalid login token. Missing a required claim: sub"},
		"empty subject": {idp.Token(idptest.Claims{"sub": ""}),
			"Invalid login token. Missing a required claim: sub"},
		"no expiry": {idp.Token(idptest.Claims{"exp": nil}),
			"Invalid login token. Missing a required claim: exp"},
		"expired beyond grace": {idp.Token(idptest.Claims{"exp": now - 300}),
			fmt.Sprintf("Invalid login token. Token expired: %d >= %d", now, now-300)},
		"expired within grace": {idp.Token(idptest.Claims{"exp": now - 299}), ""},
		"issued in the future": {idp.Token(idptest.Claims{"iat": now + 301}),
			fmt.Sprintf("Invalid login token. Token is not valid yet: %d < %d", now, now+301)},
		"not valid yet": {idp.Token(idptest.Claims{"nbf": now + 301}),
			fmt.Sprintf("Invalid login token. Token is not valid yet: %d < %d", now, now+301)},
		"altered payload": {raw(`{"iss":"` + idp.URL + `","sub":"bob","aud":"web-app","exp":9999999999}`),
			unsigned},
		"a claim twice": {raw(`{"iss":"` + idp.URL + `","sub":"bob","sub":"alice"}`), noToken},
		// Nobody looks at these, so their types decide nothing.
		"nonce is a number":      {idp.Token(idptest.Claims{"nonce": 7}), ""},
		"nonce is a list":        {idp.Token(idptest.Claims{"nonce": []int{7}}), ""},
		"at_hash is a number":    {idp.Token(idptest.Claims{"at_hash": 7}), ""},
		"claims are elsewhere":   {idp.Token(idptest.Claims{"_claim_names": map[string]string{"groups": "src1"}}), ""},
		"claim names are a text": {idp.Token(idptest.Claims{"_claim_names": "groups"}), ""},
		"iat is text":            {idp.Token(idptest.Claims{"iat": "now"}), noToken},
		"nbf is text":            {idp.Token(idptest.Claims{"nbf": "now"}), noToken},
		"aud is a number":        {idp.Token(idptest.Claims{"aud": 7}), noToken},
		"azp is a list":          {idp.Token(idptest.Claims{"azp": []string{"web-app"}}), noToken},
		"exp is text":            {idp.Token(idptest.Claims{"exp": "soon"}), noToken},
		"Cognito's own": {idp.Token(idptest.Claims{"iss": "https://cognito-identity.amazonaws.com"}),
			"Invalid login token. Can't pass in a Cognito token."},
		"no JWT":                  {"opaque", noToken},
		"two parts":               {parts[0] + "." + parts[1], noToken},
		"empty":                   {"", noToken},
		"too long":                {strings.Repeat("x", 50001), noToken},
		"good":                    {good, ""},
		"good, several audiences": {idp.Token(idptest.Claims{"aud": []string{"x", "app-2"}}), ""},
		"good, without kid":       {idp.Sign(nil, jose.RS256, idptest.Key(0), ""), ""},
		"good, RS512":             {idp.Sign(nil, jose.RS512, idptest.Key(0), "k0"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			proof, err := p.Prove(t.Context(), idp.Name(), f.token)
			if f.want != "" {
				if got := refusal(err); got != f.want || proof != nil {
					t.Errorf("got %q, want %q", got, f.want)
				}
				return
			}
			if err != nil || proof.Subject != "alice" {
				t.Errorf("got %v, want a proof of alice", err)
			}
		})
	}
	if got := idp.Fetches.Load(); got != 1 {
		t.Errorf("key fetches: got %d, want 1", got)
	}
	if _, err := p.Prove(t.Context(), "elsewhere.example", good); !errors.Is(err, logins.ErrUnknownProvider) {
		t.Errorf("unknown provider: got %v", err)
	}
}

func TestForgeriesCannotMakeItFetch(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			for id, key := range map[string]int{fmt.Sprint("unknown-", n): 0, "k0": 2} {
				_, err := p.Prove(t.Context(), idp.Name(), idp.Sign(idptest.Claims{"n": n}, jose.RS256, idptest.Key(key), id))
				if got := refusal(err); got != unsigned {
					t.Errorf("kid %s: got %q, want %q", id, got, unsigned)
				}
			}
		})
	}
	wg.Wait()
	if got := idp.Fetches.Load(); got > 3 || got < 1 {
		t.Errorf("key fetches for 200 forged tokens: got %d, want 1 to 3", got)
	}
	for range 3 { // a bad signature by a known kid may fetch too: once in 30 seconds
		c.advance(31 * time.Second)
		before := idp.Fetches.Load()
		for n := range 50 {
			p.Prove(t.Context(), idp.Name(), idp.Sign(idptest.Claims{"n": n}, jose.RS256, idptest.Key(2), "k0"))
		}
		if got := idp.Fetches.Load() - before; got != 1 {
			t.Errorf("key fetches for a known kid with bad signatures: got %d, want 1", got)
		}
	}
}

func TestOutages(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, fault := range map[string]http.HandlerFunc{
		"500":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"hanging":   hang,
		"garbage":   func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"empty set": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"keys":[]}`)) },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"issuer":"` + strings.Repeat("x", 2<<20)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			idp, c := idptest.Start(t), newClock()
			timeout, tries := time.Minute, 1
			if name == "hanging" { // the test waits for the timeout; under load a good fetch may take longer
				timeout, tries = 500*time.Millisecond, 50
			}
			p := hastyProver(t, idp, c, timeout)
			prove := func(n int) error {
				_, err := p.Prove(t.Context(), idp.Name(), idp.Token(idptest.Claims{"n": n}))
				return err
			}
			idp.Break(fault)
			for n := range 20 {
				if _, ok := errors.AsType[*logins.Unavailable](prove(n)); !ok {
					t.Fatalf("down at start: got %v, want Unavailable", prove(n))
				}
			}
			if got := idp.Discoveries.Load() + idp.Fetches.Load(); got > 1 {
				t.Errorf("requests to a broken issuer: got %d, want 1", got)
			}
			idp.Break(nil)
			err := errors.New("not asked")
			for ; err != nil && tries > 0; tries-- {
				c.advance(30 * time.Second)
				err = prove(100)
			}
			if err != nil {
				t.Fatalf("mended: got %v", err)
			}
			idp.Break(fault)
			c.advance(23 * time.Hour)
			if err := prove(101); err != nil {
				t.Errorf("with last good keys: got %v", err)
			}
			// A key that nobody knows while the issuer is down says nothing.
			_, err = p.Prove(t.Context(), idp.Name(), idp.Sign(nil, jose.RS256, idptest.Key(1), "k1"))
			if _, ok := errors.AsType[*logins.Unavailable](err); !ok {
				t.Error("an unknown key in an outage: want Unavailable")
			}
			c.advance(time.Hour)
			if _, ok := errors.AsType[*logins.Unavailable](prove(102)); !ok {
				t.Error("24 h after the last success: want Unavailable")
			}
		})
	}
}

// A withdrawn key stops proving as soon as the new set is in.
func TestRotation(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	old := idp.Token(nil)
	proof, err := p.Prove(t.Context(), idp.Name(), old)
	if err != nil || !proof.Holds(c.now()) {
		t.Fatalf("got %v, want a proof that holds", err)
	}
	idp.Rotate()
	c.advance(31 * time.Second)
	if _, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil)); err != nil {
		t.Fatalf("a token of the new key: got %v", err)
	}
	if proof.Holds(c.now()) {
		t.Error("a proof by the withdrawn key: got holding, want not")
	}
	if _, err := p.Prove(t.Context(), idp.Name(), old); refusal(err) != unsigned {
		t.Errorf("a token of the withdrawn key: got %v, want refused", err)
	}
}

// Holds is never true after exp, after 15 minutes, or 24 h after the last fetch.
func TestHoldsProperty(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	start := c.now()
	rapid.Check(t, func(t *rapid.T) {
		life := rapid.IntRange(1, 3600).Draw(t, "life")
		after := rapid.IntRange(0, 4000).Draw(t, "after")
		token := idp.Token(idptest.Claims{"exp": start.Unix() + int64(life)})
		proof, err := p.Prove(t.Context(), idp.Name(), token)
		if err != nil {
			t.Fatal(err)
		}
		got := proof.Holds(start.Add(time.Duration(after) * time.Second))
		if want := after < min(life, 900); got != want {
			t.Fatalf("a token of %d s after %d s: got holds %v, want %v", life, after, got, want)
		}
	})
	if (&logins.Proof{}).Holds(start) {
		t.Error("the zero proof: got holding, want not")
	}
}

func TestHoldsAllocatesNothing(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	proof, err := newProver(t, idp, c).Prove(t.Context(), idp.Name(), idp.Token(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := testing.AllocsPerRun(100, func() { proof.Holds(c.at) }); got != 0 {
		t.Errorf("allocations: got %v, want 0", got)
	}
}

func TestPeek(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	for name, f := range map[string]struct{ key, token, want string }{
		"no JWT":            {"x.example", "opaque", noToken},
		"key with a scheme": {idp.URL, idp.Token(nil), mismatch},
		"Cognito's own": {"x.example", idp.Token(idptest.Claims{"iss": "https://cognito-identity.amazonaws.com"}),
			"Invalid login token. Can't pass in a Cognito token."},
		"key fits":       {idp.Name(), idp.Token(nil), "<nil>"},
		"social, no JWT": {"graph.facebook.com", "opaque", "<nil>"},
	} {
		if got := refusal(p.Peek(f.key, f.token)); got != f.want {
			t.Errorf("%s: got %q, want %q", name, got, f.want)
		}
	}
}

func FuzzProve(f *testing.F) {
	idp, err := logins.New(logins.Config{Providers: []logins.Provider{{
		Name: "idp.example", Issuer: "https://idp.example", ClientIDs: []string{"web-app"},
		Keys: nil,
	}}, Transport: refuseAll{}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "a.b.c", b64(`{"alg":"RS256"}`) + "." +
		b64(`{"iss":"https://idp.example","sub":"a","aud":"web-app","exp":9e9}`) + ".x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if proof, err := idp.Prove(t.Context(), "idp.example", token); proof != nil || err == nil {
			t.Errorf("%q proved something", token)
		}
		idp.Peek("idp.example", token)
	})
}

type refuseAll struct{}

func (refuseAll) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}
