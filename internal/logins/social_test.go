package logins_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

const (
	googleName   = "accounts.google.com"
	googleIssuer = "https://" + googleName
	appleName    = "appleid.apple.com"
	appleIssuer  = "https://" + appleName
	missing      = "Invalid login token. Missing a required claim: "
)

var socialNames = map[loginkey.Kind]string{loginkey.Google: googleName, loginkey.Apple: appleName}

func expired(now, at int64) string {
	return fmt.Sprintf("Invalid login token. Token expired: %d >= %d", now, at)
}

// socialProver proves logins with Google or Apple by keys that are where theirs are.
func socialProver(t *testing.T, kind loginkey.Kind, clients ...string) (*logins.Prover, *idptest.Issuer, *keysAt) {
	t.Helper()
	idp, c := idptest.Start(t), newClock()
	idp.SetNow(c.now)
	keys := set(members(t, &idptest.Key(0).PublicKey, "k0"))
	served := &keysAt{t: t, keys: map[string]string{
		googleIssuer + "/.well-known/openid-configuration": `{"issuer":"` + googleIssuer +
			`","jwks_uri":"https://www.googleapis.com/oauth2/v3/certs"}`,
		"https://www.googleapis.com/oauth2/v3/certs": keys,
		appleIssuer + "/auth/keys":                   keys,
	}}
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: socialNames[kind], Kind: kind, ClientIDs: clients}}, Transport: served,
		Now: c.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, idp, served
}

// Keys come from where Google and Apple have them; Apple's without discovery.
func TestKeysOfGoogleAndApple(t *testing.T) {
	for kind, want := range map[loginkey.Kind][]string{
		loginkey.Google: {
			googleIssuer + "/.well-known/openid-configuration", "https://www.googleapis.com/oauth2/v3/certs",
		},
		loginkey.Apple: {appleIssuer + "/auth/keys"},
	} {
		p, idp, served := socialProver(t, kind)
		name := socialNames[kind]
		if _, err := p.Prove(t.Context(), name, idp.Token(idptest.Claims{"iss": "https://" + name})); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if !slices.Equal(served.asked, want) {
			t.Errorf("%s: asked for %q, want %q", kind, served.asked, want)
		}
	}
}

// Each check has a token that passes it barely, and one that does not; what comes twice is answered
// twice.
func TestGoogleAndApple(t *testing.T) {
	for _, kind := range []loginkey.Kind{loginkey.Google, loginkey.Apple} {
		p, idp, _ := socialProver(t, kind)
		name := socialNames[kind]
		plain := mismatch // Apple's issuer has its scheme
		if kind == loginkey.Google {
			plain = ""
		}
		claims := func(override idptest.Claims) idptest.Claims {
			all := idptest.Claims{"iss": "https://" + name, "aud": "app"}
			for k, v := range override {
				all[k] = v
			}
			return all
		}
		token := func(override idptest.Claims) string { return idp.Token(claims(override)) }
		now := newClock().now().Unix()
		for what, f := range map[string]struct{ token, want, client string }{
			"good":                     {token(nil), "", "app"},
			"issuer without scheme":    {token(idptest.Claims{"iss": name}), plain, "app"},
			"issuer over http":         {token(idptest.Claims{"iss": "http://" + name}), mismatch, ""},
			"issuer with a slash":      {token(idptest.Claims{"iss": "https://" + name + "/"}), mismatch, ""},
			"another issuer":           {token(idptest.Claims{"iss": "https://idp.example"}), mismatch, ""},
			"other key":                {idp.Sign(claims(nil), jose.RS256, idptest.Key(2), "k0"), unsigned, ""},
			"no audience":              {token(idptest.Claims{"aud": nil}), noAudience, ""},
			"azp comes before aud":     {token(idptest.Claims{"azp": "android"}), "", "android"},
			"any client":               {token(idptest.Claims{"aud": "another"}), "", "another"},
			"an access token":          {token(idptest.Claims{"token_use": "access"}), noToken, ""},
			"no subject":               {token(idptest.Claims{"sub": nil}), missing + "sub", ""},
			"no expiry":                {token(idptest.Claims{"exp": nil}), missing + "exp", ""},
			"expired within grace":     {token(idptest.Claims{"exp": now - 299}), "", "app"},
			"expired with grace":       {token(idptest.Claims{"exp": now - 300}), expired(now, now-300), ""},
			"email_verified as text":   {token(idptest.Claims{"email_verified": "true"}), "", "app"},
			"email_verified as a bool": {token(idptest.Claims{"email_verified": true}), "", "app"},
			"opaque":                   {"ya29.a0AfH6SMB", noToken, ""},
		} {
			for range 2 {
				proof, err := p.Prove(t.Context(), name, f.token)
				switch {
				case f.want != "" && refusal(err) != f.want:
					t.Errorf("%s, %s: got %q, want %q", kind, what, refusal(err), f.want)
				case f.want == "" && err != nil:
					t.Errorf("%s, %s: got %v, want it proved", kind, what, err)
				case f.want == "" && (proof.ClientID != f.client || !slices.Equal(proof.Audience, []string{f.client}) ||
					proof.Provider != name || proof.Subject != "alice"):
					t.Errorf("%s, %s: got client %s of %v", kind, what, proof.ClientID, proof.Audience)
				}
			}
		}
	}
}

// With client ids a provider also serves pools that name its ARN, and pools that list another client:
// a login is of the one that is configured, if one is, and nobody is refused here.
func TestClientsOfGoogleAndApple(t *testing.T) {
	for kind, name := range socialNames {
		p, idp, _ := socialProver(t, kind, "web", "android")
		for what, f := range map[string]struct {
			claims idptest.Claims
			client string
		}{
			"aud":                 {idptest.Claims{"aud": "web"}, "web"},
			"azp":                 {idptest.Claims{"aud": "other", "azp": "android"}, "android"},
			"azp not listed":      {idptest.Claims{"aud": "web", "azp": "other"}, "other"},
			"the second aud":      {idptest.Claims{"aud": []string{"other", "web"}}, "web"},
			"none":                {idptest.Claims{"aud": "other"}, "other"},
			"a prefix of one":     {idptest.Claims{"aud": "we"}, "we"},
			"one is a prefix":     {idptest.Claims{"aud": "webb"}, "webb"},
			"of another spelling": {idptest.Claims{"aud": "Web"}, "Web"},
		} {
			f.claims["iss"] = "https://" + name
			token := idp.Token(f.claims)
			for range 2 {
				proof, err := p.Prove(t.Context(), name, token)
				if err != nil {
					t.Fatalf("%s, %s: %v", kind, what, err)
				}
				if proof.ClientID != f.client || !slices.Contains(proof.Audience, f.client) {
					t.Errorf("%s, %s: got client %s of %v", kind, what, proof.ClientID, proof.Audience)
				}
			}
		}
	}
}
