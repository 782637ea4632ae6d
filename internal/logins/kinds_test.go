package logins_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// world is a provider of each kind, without a network.
type world struct {
	idptest.InProcess
	kinds []kindOf
	fault func(r *http.Request) (*http.Response, error) // in place of all answers
}

// kindOf is a form of login at one of them.
type kindOf struct {
	what     string
	provider logins.Provider
	keys     []string // under which its logins may come
	// token is one of a user for a client, which it names as a pool would.
	token func(user, client string) string
	// questions are asked of its provider about each token.
	questions bool
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.fault != nil {
		return w.fault(r)
	}
	return w.InProcess.RoundTrip(r)
}

// clients are those that logins are for; the first is the app whose secret is known.
var clients = []string{idptest.AppID, "123", "1", "amzn1.application.a"}

func newWorld(now func() time.Time) *world {
	w := &world{InProcess: idptest.InProcess{}}
	issuer := func(url string) *idptest.Issuer {
		i := idptest.New(url)
		i.SetNow(now)
		w.InProcess[strings.SplitN(url, "/", 4)[2]] = i
		return i
	}
	signed := func(i *idptest.Issuer, more idptest.Claims) func(user, client string) string {
		return func(user, client string) string {
			claims := idptest.Claims{"sub": user, "aud": client}
			for name, v := range more {
				claims[name] = v
			}
			return i.Token(claims)
		}
	}
	g, a := idptest.NewGraph(), idptest.NewAmazon()
	w.InProcess["graph.facebook.com"], w.InProcess["limited.facebook.com"], w.InProcess["api.amazon.com"] = g, g, a
	w.InProcess["issuer-"+strings.SplitN(poolName, "/", 2)[0]] = issuer(poolIssuer)
	pool := logins.Provider{Name: poolName, Kind: loginkey.UserPool}
	poolKeys := []string{poolName, "issuer-" + poolName}
	google := logins.Provider{Name: googleName, Kind: loginkey.Google}
	facebook := logins.Provider{
		Name: facebookName, Kind: loginkey.Facebook, ClientIDs: clients[:1], AppSecret: idptest.AppSecret,
	}
	id := idptest.Claims{"token_use": "id"}
	w.kinds = []kindOf{
		{what: "oidc", provider: logins.Provider{Name: "idp.example", Issuer: "https://idp.example", ClientIDs: clients},
			token: signed(issuer("https://idp.example"), nil)},
		{what: "user pool", provider: pool, keys: poolKeys, token: signed(issuer(poolIssuer), id)},
		{what: "user pool, new issuer", provider: pool, keys: poolKeys,
			token: signed(issuer(poolIssuer), idptest.Claims{"token_use": "id", "iss": newIssuer})},
		{what: "google", provider: google, token: signed(issuer(googleIssuer), nil)},
		{what: "google without scheme", provider: google,
			token: signed(issuer(googleIssuer), idptest.Claims{"iss": googleName})},
		{what: "apple", provider: logins.Provider{Name: appleName, Kind: loginkey.Apple},
			token: signed(issuer(appleIssuer), nil)},
		{what: "facebook", provider: facebook, questions: true, token: func(user, client string) string {
			return g.Token(idptest.GraphToken{App: client, User: user})
		}},
		{what: "limited login", provider: facebook, token: func(user, client string) string {
			return g.Limited(user, now(), idptest.Claims{"aud": client})
		}},
		{what: "amazon", provider: logins.Provider{Name: amazonName, Kind: loginkey.Amazon}, questions: true,
			token: func(user, client string) string {
				return a.Token(idptest.AmazonToken{App: client, Client: "oa2-" + client, User: user, Left: 3600})
			}},
	}
	for n, k := range w.kinds {
		if k.keys == nil {
			w.kinds[n].keys = []string{k.provider.Name}
		}
	}
	return w
}

// prover proves logins at all of them.
func (w *world) prover(t interface{ Fatal(...any) }, now func() time.Time) *logins.Prover {
	var all []logins.Provider
	for _, k := range w.kinds {
		if !slices.ContainsFunc(all, func(p logins.Provider) bool { return p.Name == k.provider.Name }) {
			all = append(all, k.provider)
		}
	}
	p, err := logins.New(logins.Config{Providers: all, Transport: w, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Each kind whose logins are taken is tried by the tests of this file; SAML, which has no keys to fetch and
// asks nobody, has its own.
func TestEveryKindIsTried(t *testing.T) {
	w := newWorld(time.Now)
	for _, kind := range loginkey.Kinds() {
		tried := slices.ContainsFunc(w.kinds, func(k kindOf) bool {
			return k.provider.Kind == kind || k.provider.Kind == "" && kind == loginkey.OIDC
		})
		if !tried && !kind.Refused() && kind != loginkey.SAML {
			t.Errorf("no login of kind %s is tried: newWorld has none", kind)
		}
	}
}

// Nobody is proved who is not: a token proves the user that it was made for, at the provider that made
// it, for its client, and altered it proves nothing.
func TestNobodyIsProvedWhoIsNot(t *testing.T) {
	c := newClock()
	w := newWorld(c.now)
	p := w.prover(t, c.now)
	defer p.Stop()
	type login struct{ provider, user, client string }
	made := map[string]login{}
	var tokens []string
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(w.kinds).Draw(t, "kind")
		user, client := rapid.StringMatching(`[1-9][0-9]{0,2}`).Draw(t, "user"), rapid.SampledFrom(clients).Draw(t, "client")
		if k.provider.Kind == loginkey.Facebook && strings.HasPrefix(client, "a") {
			client = clients[1] // its apps are numbers
		}
		token := k.token(user, client)
		made[token] = login{k.provider.Name, user, client}
		tokens = append(tokens, token)
		token = rapid.SampledFrom(tokens[max(0, len(tokens)-20):]).Draw(t, "token")
		if at := rapid.IntRange(-3, len(token)-1).Draw(t, "altered at"); at >= 0 {
			altered := []byte(token)
			altered[at] = rapid.SampledFrom([]byte("AEZaez059-_|.")).Draw(t, "to")
			token = string(altered)
		}
		other := rapid.SampledFrom(w.kinds).Draw(t, "presented as")
		key := rapid.SampledFrom(other.keys).Draw(t, "key")
		proof, err := p.Prove(t.Context(), key, token)
		of, genuine := made[token]
		genuine = genuine && of.provider == other.provider.Name
		switch {
		case err == nil && !genuine:
			t.Fatalf("%s under %s: proved user %s", token[:10], key, proof.Subject)
		case err == nil && (proof.Subject != of.user || proof.ClientID != of.client || proof.Provider != of.provider):
			t.Fatalf("proved %s %s %s, want %v", proof.Provider, proof.Subject, proof.ClientID, of)
		case err == nil && len(proof.Audience) > 0 && !slices.Contains(proof.Audience, of.client),
			err == nil && slices.Contains(proof.Audience, "oa2-1") && of.client != "1":
			t.Fatalf("for %v, want %s", proof.Audience, of.client)
		case err != nil && genuine:
			anothers := of.provider == facebookName && of.client != idptest.AppID && refusal(err) == unsupported
			if !anothers {
				t.Fatalf("a genuine login at %s: %v", of.provider, err)
			}
		}
	})
}

// faults are how a provider may fail to answer.
var faults = map[string]func(r *http.Request) (*http.Response, error){
	"slow":       func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
	"down":       func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
	"broken":     answering(http.StatusBadGateway, "Bad Gateway"),
	"throttling": answering(http.StatusTooManyRequests, `{"error":{"code":4}}`),
	"rubbish":    answering(http.StatusOK, "<html><title>It works</title>"),
	"an object":  answering(http.StatusOK, `{"a":1}`),
	"its own":    answering(http.StatusForbidden, `{"error":{"code":341}}`),
}

func answering(code int, text string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return idptest.InProcess{r.URL.Host: status(code, text)}.RoundTrip(r)
	}
}

// While a provider does not answer, warmed logins are proved at once; others get that it cannot be
// asked within three seconds, never that their token is bad; and all is well when it is back.
func TestProvidersThatFail(t *testing.T) {
	for name, fault := range faults {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(time.Now)
			warm, cold := w.prover(t, time.Now), w.prover(t, time.Now)
			defer warm.Stop()
			defer cold.Stop()
			known, other := map[string]string{}, map[string]string{}
			for _, k := range w.kinds {
				known[k.what], other[k.what] = k.token("7", idptest.AppID), k.token("8", idptest.AppID)
				if _, err := warm.Prove(t.Context(), k.keys[0], known[k.what]); err != nil {
					t.Fatalf("%s: %v", k.what, err)
				}
			}
			w.fault = fault
			for _, k := range w.kinds {
				prove := func(p *logins.Prover, token string) (took time.Duration, err error) {
					began := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					_, err = p.Prove(ctx, k.keys[0], token)
					return time.Since(began), err
				}
				if took, err := prove(warm, known[k.what]); err != nil || took != 0 {
					t.Errorf("%s, %s: a warmed login: got %v after %v", k.what, name, err, took)
				}
				took, err := prove(warm, other[k.what])
				if k.questions && refusal(err) != cannotBeAsked || !k.questions && err != nil {
					t.Errorf("%s, %s: a new login: got %v", k.what, name, err)
				}
				most := 3 * time.Second
				if k.provider.Kind == "" {
					most = 5 * time.Second // plain OpenID: discovery and keys of many sizes
				}
				if again, err := prove(cold, other[k.what]); refusal(err) != cannotBeAsked || max(took, again) > most {
					t.Errorf("%s, %s: a first login: got %v after %v", k.what, name, err, again)
				}
			}
			w.fault = nil
			time.Sleep(30 * time.Second)
			for _, k := range w.kinds {
				if _, err := cold.Prove(t.Context(), k.keys[0], other[k.what]); err != nil {
					t.Errorf("%s, %s, and back: got %v", k.what, name, err)
				}
			}
		})
	}
}

// BenchmarkFirstProof is what the first proof of a login costs, without the network, beside one
// verification of an RSA signature: rsa is how many of those it takes.
func BenchmarkFirstProof(b *testing.B) {
	w := newWorld(time.Now)
	for _, k := range w.kinds {
		b.Run(strings.ReplaceAll(k.what, " ", "_"), func(b *testing.B) {
			p := w.prover(b, time.Now)
			defer p.Stop()
			tokens := make([]string, b.N)
			for n := range tokens {
				tokens[n] = k.token(fmt.Sprint(n+1), idptest.AppID)
			}
			if _, err := p.Prove(b.Context(), k.keys[0], k.token("0", idptest.AppID)); err != nil {
				b.Fatal(err) // with the keys
			}
			b.ResetTimer()
			for _, token := range tokens {
				if _, err := p.Prove(b.Context(), k.keys[0], token); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(rsaVerification()), "rsa")
		})
	}
}
