package zitadel

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// logIn takes a user through the authorization-code flow with PKCE, as an app
// without a secret and a browser do it, and returns the ID token.
func logIn(t *testing.T, issuer, clientID, user string) string {
	t.Helper()
	app, err := rp.NewRelyingPartyOIDC(t.Context(), issuer, clientID, "", redirectURI, []string{oidc.ScopeOpenID})
	if err != nil {
		t.Fatal(err)
	}
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	start := rp.AuthURL(state, app, rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)))
	answer, err := signIn(start, user)
	if err != nil {
		t.Fatalf("sign in: %v", err)
	}
	if answer.Get("state") != state || answer.Get("code") == "" {
		t.Fatalf("sign in: got error %q, want a code and our state", answer.Get("error"))
	}
	_, err = rp.CodeExchange[*oidc.IDTokenClaims](t.Context(), answer.Get("code"), app, rp.WithCodeVerifier("not"+verifier))
	if err == nil {
		t.Fatal("got tokens with another code verifier, want none")
	}
	if answer, err = signIn(start, user); err != nil {
		t.Fatalf("sign in again: %v", err)
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](t.Context(), answer.Get("code"), app, rp.WithCodeVerifier(verifier))
	if err != nil {
		t.Fatalf("exchange the code: %v", err)
	}
	return tokens.IDToken
}

// signIn opens an authorization URL and fills in the login page. It returns what
// the app is sent.
func signIn(start, user string) (url.Values, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), redirectURI) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := browser.Get(start)
	if err != nil {
		return nil, err
	}
	page.Body.Close()
	form := page.Request.URL
	id := form.Query().Get("authRequestID")
	if page.StatusCode != http.StatusOK || id == "" {
		return nil, fmt.Errorf("got status %d, want a login page", page.StatusCode)
	}
	answer, err := browser.PostForm(form.String(), url.Values{"id": {id}, "username": {user}, "password": {password}})
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	to, err := answer.Location()
	if err != nil {
		return nil, errors.New("the login page took no login")
	}
	return to.Query(), nil
}
