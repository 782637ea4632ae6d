package logins_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

const (
	facebookName = "graph.facebook.com"
	opaque       = "Invalid login token."
	unsupported  = "Token is not from a supported provider of this identity pool."
)

// proverFor proves by one provider with a patient transport.
func proverFor(t *testing.T, c *clock, provider logins.Provider) *logins.Prover {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p, err := logins.New(logins.Config{Providers: []logins.Provider{provider}, Now: c.now, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// withSecret and without are how Facebook may be configured.
func withSecret(g *idptest.Graph) logins.Provider {
	return logins.Provider{
		Name: facebookName, Kind: loginkey.Facebook, Endpoint: g.URL, ClientIDs: []string{idptest.AppID},
		AppSecret: idptest.AppSecret,
	}
}

func withoutSecret(g *idptest.Graph) logins.Provider {
	return logins.Provider{Name: facebookName, Kind: loginkey.Facebook, Endpoint: g.URL}
}

// is tells what a proof or a refusal is: the app and user, or the text.
func is(proof *logins.Proof, err error) string {
	if err != nil {
		return refusal(err)
	}
	return proof.ClientID + " " + proof.Subject
}

// Each check has a token that passes it barely, and one that does not; what comes twice is answered
// twice, and asked once.
func TestFacebookTokens(t *testing.T) {
	for set, configured := range map[string]func(*idptest.Graph) logins.Provider{
		"with secret": withSecret, "without": withoutSecret,
	} {
		g, c := idptest.StartGraph(t), newClock()
		p := proverFor(t, c, configured(g))
		now := c.now().Unix()
		alice := idptest.GraphToken{App: idptest.AppID, User: "1207059"}
		token := func(change func(*idptest.GraphToken)) string {
			known := alice
			change(&known)
			return g.Token(known)
		}
		good := idptest.AppID + " 1207059"
		for what, f := range map[string]struct{ token, with, without string }{
			"good":            {g.Token(alice), good, good},
			"ids are numbers": {token(func(k *idptest.GraphToken) { k.Numbers = true }), good, good},
			"expires later":   {token(func(k *idptest.GraphToken) { k.Expires = now + 1 }), good, good},
			"expires now":     {token(func(k *idptest.GraphToken) { k.Expires = now }), expired(now, now), good},
			"another app's":   {token(func(k *idptest.GraphToken) { k.App = "1" }), unsupported, "1 1207059"},
			"not any more":    {token(func(k *idptest.GraphToken) { k.Invalid = true }), opaque, opaque},
			"a page's":        {token(func(k *idptest.GraphToken) { k.Kind = "PAGE" }), opaque, good},
			"nobody's":        {"EAA" + strings.Repeat("x", 100), opaque, opaque},
			"longest":         {"EAA" + strings.Repeat("x", 4093), opaque, opaque},
			"shortest":        {"EAA" + strings.Repeat("x", 17), opaque, opaque},
		} {
			want := f.with
			if set == "without" {
				want = f.without
			}
			first := is(p.Prove(t.Context(), facebookName, f.token))
			asked := g.Questions.Load()
			again := is(p.Prove(t.Context(), facebookName, f.token))
			if first != want || again != want {
				t.Errorf("%s, %s: got %q and %q, want %q", set, what, first, again, want)
			}
			if now := g.Questions.Load(); now != asked {
				t.Errorf("%s, %s: asked %d times more, want it remembered", set, what, now-asked)
			}
		}
	}
}

// What has not the form of a token is refused without asking anybody.
func TestFormsOfFacebookTokens(t *testing.T) {
	g, c := idptest.StartGraph(t), newClock()
	p := proverFor(t, c, withSecret(g))
	for what, token := range map[string]string{
		"empty": "", "short": "EAA" + strings.Repeat("x", 16), "long": "EAA" + strings.Repeat("x", 4094),
		"another start": "XAA" + strings.Repeat("x", 100), "in small letters": "eaa" + strings.Repeat("x", 100),
		"a blank": "EAA" + strings.Repeat("x", 50) + " x", "a line": "EAA" + strings.Repeat("x", 50) + "\n",
		"an ampersand": "EAA" + strings.Repeat("x", 50) + "&a=b", "no ASCII": "EAA" + strings.Repeat("é", 50),
		"a zero": "EAA" + strings.Repeat("x", 50) + "\x00", "Bearer": "Bearer EAA" + strings.Repeat("x", 50),
		"the app's own": idptest.AppID + "|" + idptest.AppSecret, "two parts": "a.b", "four parts": "a.b.c.d",
	} {
		if got := is(p.Prove(t.Context(), facebookName, token)); got != opaque {
			t.Errorf("%s: got %q, want %q", what, got, opaque)
		}
	}
	if n := g.Questions.Load(); n != 0 {
		t.Errorf("asked %d times, want never", n)
	}
}

// An access token and a Limited Login of a user are one login with the same claims; those of two
// users are not.
func TestTwoFormsOfAFacebookLogin(t *testing.T) {
	for set, configured := range map[string]func(*idptest.Graph) logins.Provider{
		"with secret": withSecret, "without": withoutSecret,
	} {
		g, c := idptest.StartGraph(t), newClock()
		p := proverFor(t, c, configured(g))
		said := func(token string) (all []string) {
			for range 2 {
				proof, err := p.Prove(t.Context(), facebookName, token)
				if err != nil {
					t.Fatalf("%s: %v", set, err)
				}
				for _, name := range proof.ClaimNames() {
					v, _ := proof.Claim(name)
					all = append(all, fmt.Sprint(name, "=", v))
				}
				all = append(all, proof.Provider, proof.Subject, proof.ClientID, fmt.Sprint(proof.Audience))
			}
			return all
		}
		opaque := said(g.Token(idptest.GraphToken{App: idptest.AppID, User: "7"}))
		limited := said(g.Limited("7", c.now(), nil))
		if !slices.Equal(opaque, limited) || !slices.Contains(limited, "iss="+facebookName) {
			t.Errorf("%s: got %q and %q, want one login", set, opaque, limited)
		}
		if other := said(g.Limited("8", c.now(), nil)); slices.Equal(other, limited) {
			t.Errorf("%s: two users are one", set)
		}
	}
}

// Each check of a Limited Login has a token that passes it barely, and one that does not.
func TestLimitedLogins(t *testing.T) {
	g, c := idptest.StartGraph(t), newClock()
	p := proverFor(t, c, withSecret(g))
	off := withSecret(g)
	off.NoLimitedLogin = true
	none := proverFor(t, c, off)
	now := c.now().Unix()
	idp := idptest.New("https://www.facebook.com")
	idp.SetNow(c.now)
	forged := func(a jose.SignatureAlgorithm, key int) string {
		return idp.Sign(idptest.Claims{"aud": idptest.AppID}, a, idptest.Key(key), "graph")
	}
	for what, f := range map[string]struct{ token, want string }{
		"good":                 {g.Limited("7", c.now(), nil), idptest.AppID + " 7"},
		"another issuer":       {g.Limited("7", c.now(), idptest.Claims{"iss": "https://facebook.com"}), mismatch},
		"the key as issuer":    {g.Limited("7", c.now(), idptest.Claims{"iss": facebookName}), mismatch},
		"other key":            {forged(jose.RS256, 2), unsigned},
		"RS512":                {forged(jose.RS512, 0), unsigned},
		"no audience":          {g.Limited("7", c.now(), idptest.Claims{"aud": nil}), noAudience},
		"another app's":        {g.Limited("7", c.now(), idptest.Claims{"aud": "1"}), "1 7"},
		"azp decides nothing":  {g.Limited("7", c.now(), idptest.Claims{"azp": "1"}), idptest.AppID + " 7"},
		"no user":              {g.Limited("", c.now(), nil), missing + "sub"},
		"expired within grace": {g.Limited("7", c.now(), idptest.Claims{"exp": now - 299}), idptest.AppID + " 7"},
		"expired with grace":   {g.Limited("7", c.now(), idptest.Claims{"exp": now - 300}), expired(now, now-300)},
		"no JSON":              {"a.b.c", noToken},
	} {
		for range 2 {
			if got := is(p.Prove(t.Context(), facebookName, f.token)); got != f.want {
				t.Errorf("%s: got %q, want %q", what, got, f.want)
			}
			if got := is(none.Prove(t.Context(), facebookName, f.token)); got != opaque {
				t.Errorf("%s, switched off: got %q, want %q", what, got, opaque)
			}
		}
	}
}

// Where the API and the keys are is known; discovery is not asked.
func TestAddressesOfFacebook(t *testing.T) {
	g, c := idptest.NewGraph(), newClock()
	var asked []string
	note := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Host+r.URL.Path)
		g.ServeHTTP(w, r)
	})
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: facebookName, Kind: loginkey.Facebook}}, Now: c.now,
		Transport: idptest.InProcess{facebookName: note, "limited.facebook.com": note},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{g.Token(idptest.GraphToken{App: "1", User: "7"}), g.Limited("7", c.now(), nil)} {
		if _, err := p.Prove(t.Context(), facebookName, token); err != nil {
			t.Error(err)
		}
	}
	want := []string{"graph.facebook.com/v25.0/app", "graph.facebook.com/v25.0/me",
		"limited.facebook.com/.well-known/oauth/openid/jwks/"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	found, err := p.Ask(t.Context(), facebookName)
	if err != nil || found != "the Graph API answers, 1 usable keys of Limited Login" {
		t.Errorf("asked: got %q, %v", found, err)
	}
}

// A proof holds 15 minutes, or as long as its token.
func TestHowLongFacebookProofsHold(t *testing.T) {
	for what, f := range map[string]struct {
		token idptest.GraphToken
		holds time.Duration
	}{
		"for ever": {idptest.GraphToken{}, 15 * time.Minute},
		"an hour":  {idptest.GraphToken{Expires: 3600}, 15 * time.Minute},
		"a minute": {idptest.GraphToken{Expires: 60}, time.Minute},
	} {
		g, c := idptest.StartGraph(t), newClock()
		p := proverFor(t, c, withSecret(g))
		f.token.App, f.token.User = idptest.AppID, "7"
		if f.token.Expires > 0 {
			f.token.Expires += c.now().Unix()
		}
		token := g.Token(f.token)
		for _, at := range []struct {
			pass  time.Duration
			asked int32
		}{{0, 1}, {f.holds - 1, 1}, {1, 2}} {
			c.advance(at.pass)
			_, _ = p.Prove(t.Context(), facebookName, token)
			if got := g.Questions.Load(); got != at.asked {
				t.Errorf("%s, %v later: asked %d times, want %d", what, at.pass, got, at.asked)
			}
		}
	}
}
