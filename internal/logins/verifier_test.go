package logins_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// basis stands while it is true.
type basis bool

func (b *basis) Stands(time.Time) bool { return bool(*b) }

// A proof needs no key: it holds for its time, while its basis stands.
func TestProofWithoutAKey(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	stands := basis(true)
	for name, s := range map[string]*logins.Standing{
		"by time alone": logins.Until(at, nil), "with a basis": logins.Until(at, &stands),
	} {
		proof := &logins.Proof{Provider: "graph.facebook.com", Subject: "1", Standing: s}
		if !proof.Holds(at.Add(-1)) || proof.Holds(at) {
			t.Errorf("%s: got %t before its end and %t at it, want true and false", name, proof.Holds(at.Add(-1)),
				proof.Holds(at))
		}
	}
	s := logins.Until(at, &stands)
	if stands = false; s.Holds(at.Add(-1)) {
		t.Error("holds without its basis")
	}
	if (*logins.Standing)(nil).Holds(time.Time{}) || (&logins.Standing{}).Holds(at) {
		t.Error("no standing holds")
	}
}

// A provider of a kind that has no verifier is refused at the start, whatever kinds there are;
// Twitter and Digits by name.
func TestKindsWithoutVerifier(t *testing.T) {
	not := map[loginkey.Kind]string{
		loginkey.SAML: "the kind saml needs metadata", "ldap": "the kind ldap is not built",
		loginkey.Twitter: "Twitter and Digits are not served", loginkey.Digits: "Twitter and Digits are not served",
	}
	for _, kind := range append(loginkey.Kinds(), "ldap") {
		p := logins.Provider{Name: "idp.example/a", Kind: kind, Issuer: "https://idp.example", ClientIDs: []string{"a"}}
		_, err := logins.New(logins.Config{Providers: []logins.Provider{p}})
		if want, not := not[kind]; (err != nil) != not {
			t.Errorf("%s: got %v, want it built: %t", kind, err, !not)
		} else if not && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", kind, err, want)
		}
	}
	secret := logins.Provider{Name: "graph.facebook.com", Kind: loginkey.Facebook, AppSecret: "x"}
	if _, err := logins.New(logins.Config{Providers: []logins.Provider{secret}}); err == nil {
		t.Error("the secret of no app: got a prover")
	}
}

// Keys that come and go are told once, and the first set is no change.
func TestNewKeysAreTold(t *testing.T) {
	type change struct{ added, gone int }
	var told []change
	idp, c := idptest.Start(t), newClock()
	idp.SetNow(c.now)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: idp.Name(), Issuer: idp.URL, ClientIDs: []string{idptest.ClientID}}},
		Now:       c.now, Transport: transport,
		OnKeys: func(provider string, added, gone int) {
			if provider != idp.Name() {
				t.Errorf("got the provider %q, want %q", provider, idp.Name())
			}
			told = append(told, change{added, gone})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want ...change) {
		t.Helper()
		if _, err := p.Ask(t.Context(), idp.Name()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(told, want) {
			t.Errorf("got %v, want %v", told, want)
		}
	}
	ask()
	ask()
	idp.Rotate()
	ask(change{1, 1})
	ask(change{1, 1})
}
