package logins_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// naming is a network in which every discovery document names a jwks_uri, and any other
// address has the keys.
type naming struct{ issuer, jwksURI, keys string }

func (n naming) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
		json.NewEncoder(w).Encode(map[string]string{"issuer": n.issuer, "jwks_uri": n.jwksURI})
	} else {
		w.WriteString(n.keys)
	}
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// Keys that discovery names come over https, or over http from the very host of an issuer
// that is http itself: else whoever is on the way could put in his own.
func TestWhereDiscoveryMayLead(t *testing.T) {
	keys := set(members(t, &idptest.Key(0).PublicKey, "k0"))
	const open, closed = "http://127.0.0.1:9000", "https://idp.example"
	for _, f := range []struct {
		issuer, jwksURI string
		want            bool
	}{
		{closed, "https://idp.example/keys", true},
		{closed, "https://keys.example/keys", true},
		{closed, "http://idp.example/keys", false},
		{closed, "http://127.0.0.1:9000/keys", false},
		{closed, "ftp://idp.example/keys", false},
		{closed, "https:///keys", false},
		{closed, "https:keys", false},
		{closed, "/keys", false},
		{closed, "", false},
		{closed, "https://idp.example:x/keys", false},
		{closed, "https://user:secret@idp.example/keys", false},
		{open, "http://127.0.0.1:9000/keys", true},
		{open, "https://keys.example/keys", true},
		{open, "http://127.0.0.1:9001/keys", false},
		{open, "http://keys.example/keys", false},
		{open, "ftp://127.0.0.1:9000/keys", false},
		{open, "http://user@127.0.0.1:9000/keys", false},
	} {
		p, err := logins.New(logins.Config{Transport: naming{f.issuer, f.jwksURI, keys}, Providers: []logins.Provider{{
			Name: "idp.example", Issuer: f.issuer, ClientIDs: []string{idptest.ClientID},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if found, err := p.Ask(t.Context(), "idp.example"); (err == nil) != f.want || f.want != (found == "1 usable keys") {
			t.Errorf("issuer %s, keys at %q: found %q, %v; want them taken: %v", f.issuer, f.jwksURI, found, err, f.want)
		}
	}
}

// A key that is published anew for another algorithm proves no more what was signed by it.
func TestKeyForAnotherAlgorithm(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	key := members(t, &idptest.Key(0).PublicKey, "k0")
	idp.ServeKeys(serving(set(key + `,"alg":"RS256"`)))
	p := newProver(t, idp, c)
	proof, err := p.Prove(t.Context(), idp.Name(), idp.Token(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		algorithm string
		want      bool
	}{{"RS256", true}, {"RS512", false}} {
		idp.ServeKeys(serving(set(key + `,"alg":"` + f.algorithm + `"`)))
		if _, err := p.Ask(t.Context(), idp.Name()); err != nil {
			t.Fatal(err)
		}
		if got := proof.Holds(c.now()); got != f.want {
			t.Errorf("published anew for %s: got a proof by RS256 holding %v, want %v", f.algorithm, got, f.want)
		}
	}
}
