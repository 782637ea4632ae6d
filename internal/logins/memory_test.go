package logins_test

import (
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

func heap() int {
	runtime.GC()
	runtime.GC() // what finalisers let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// proverWithin is a prover of one provider whose proofs may take up so many bytes; zero: as by default.
func proverWithin(t *testing.T, idp *idptest.Issuer, budget int) *logins.Prover {
	t.Helper()
	c := newClock()
	idp.SetNow(c.now)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: idp.Name(), Issuer: idp.URL, ClientIDs: []string{idptest.ClientID}}},
		Now:       c.now, Transport: transport, ProofMemory: budget,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The memory of proofs is bounded in bytes, and they take up no more than it reckons, nor
// much less: whatever subjects are like, and whatever tokens hold beside them.
func TestProofsAreBoundedByBytes(t *testing.T) {
	var small strings.Builder
	for n := range 750 { // within jwt.MaxValues
		fmt.Fprintf(&small, `,"c%d":[{"a":%d}]`, n, n)
	}
	const budget = 256 << 10
	for name, c := range map[string]struct {
		count, subject int
		members        string
		full           bool // there are more than the budget takes
	}{
		"short subjects":    {300, 30, "", false},
		"long subjects":     {400, 1000, "", true},
		"one long claim":    {100, 30, `,"x":"` + strings.Repeat("x", 30000) + `"`, false},
		"many small claims": {100, 30, small.String(), false},
		"empty lists":       {100, 30, `,"x":[` + strings.Repeat("[],", 2300) + `[]]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			idp := idptest.Start(t)
			p := proverWithin(t, idp, budget)
			prove := func(n int) {
				subject := fmt.Sprintf("%0*d", c.subject, n)
				token := idp.SignRaw(idp.Header(""), idp.Payload(subject, c.members))
				if _, err := p.Prove(t.Context(), idp.Name(), token); err != nil {
					t.Fatal(err)
				}
			}
			prove(0)
			before := heap()
			for n := range c.count {
				prove(n + 1)
			}
			got, grown := p.Remembered(), heap()-before
			if got == 0 || got > budget {
				t.Errorf("remembered: got %d bytes, want some, and at most %d", got, budget)
			}
			if full := got > budget/2; full != c.full {
				t.Errorf("remembered: got %d bytes, want the memory full: %v", got, c.full)
			}
			const other = 64 << 10 // what the heap has beside them: the tables of the memory, buffers
			if grown > got+other || grown < got/2-other {
				t.Errorf("heap: grew by %d bytes for proofs that are reckoned as %d", grown, got)
			}
			runtime.KeepAlive(p)
		})
	}
}

// So are those of kinds whose clients the pools list: proofs keep whom their tokens are for.
func TestProofsOfAnyClientAreBoundedByBytes(t *testing.T) {
	const budget = 256 << 10
	idp, c := idptest.Start(t), newClock()
	idp.SetNow(c.now)
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: "accounts.google.com", Kind: loginkey.Google, Issuer: idp.URL}},
		Now:       c.now, ProofMemory: budget,
	})
	if err != nil {
		t.Fatal(err)
	}
	prove := func(n int) {
		token := idp.Token(idptest.Claims{"aud": []string{fmt.Sprintf("%0500d", n), fmt.Sprintf("%0300d", n)}})
		if _, err := p.Prove(t.Context(), "accounts.google.com", token); err != nil {
			t.Fatal(err)
		}
	}
	prove(0)
	before := heap()
	for n := range 400 {
		prove(n + 1)
	}
	got, grown := p.Remembered(), heap()-before
	const other = 48 << 10
	if got < budget/2 || got > budget || grown > got+other || grown < got/2-other {
		t.Errorf("got %d bytes remembered of %d, and a heap that grew by %d", got, budget, grown)
	}
	runtime.KeepAlive(p)
}

// A proof that is remembered says of a login what it said first, and what says it are the
// very bytes of the token.
func TestRememberedProofsSayTheSame(t *testing.T) {
	idp := idptest.Start(t)
	p := proverWithin(t, idp, 0)
	token := idp.Token(idptest.Claims{"groups": []string{"a", "b"}, "n": 1.5, "m": map[string]any{"x": true}})
	first, err := p.Prove(t.Context(), idp.Name(), token)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Prove(t.Context(), idp.Name(), token)
	if err != nil {
		t.Fatal(err)
	}
	if first == again || first.Standing != again.Standing {
		t.Error("got a proof made anew, or the same, want what was remembered with the token's claims")
	}
	names := first.ClaimNames()
	if !slices.Equal(again.ClaimNames(), names) || len(names) < 3 {
		t.Errorf("got the claims %v, want %v", again.ClaimNames(), names)
	}
	for _, name := range names {
		got, _ := again.Claim(name)
		if want, _ := first.Claim(name); !reflect.DeepEqual(got, want) {
			t.Errorf("claim %s: got %v, want %v", name, got, want)
		}
	}
	if again.Subject != first.Subject || again.ClientID != first.ClientID || again.Provider != first.Provider ||
		!again.Expires.Equal(first.Expires) {
		t.Error("got another login, want the same")
	}
	forged := token[:len(token)-4] + "AAAA"
	if _, err := p.Prove(t.Context(), idp.Name(), forged); err == nil {
		t.Error("got the same claims under another signature proved, want them refused")
	}
}

// Whoever keeps a proof's standing keeps no claims.
func TestStandingsKeepNoClaims(t *testing.T) {
	idp, c := idptest.Start(t), newClock()
	p := newProver(t, idp, c)
	before := heap()
	var kept []*logins.Standing
	for n := range 100 {
		proof, err := p.Prove(t.Context(), idp.Name(), idp.Token(idptest.Claims{"n": n, "x": strings.Repeat("x", 30000)}))
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, proof.Standing)
	}
	p = nil
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("heap: grew by %d bytes for 100 standings", grown)
	}
	runtime.KeepAlive(kept)
}

// What was proved of one provider is no proof of another, whoever signed it.
func TestProofsAreOfTheirProvider(t *testing.T) {
	one, other, c := idptest.Start(t), idptest.Start(t), newClock()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	var providers []logins.Provider
	for _, idp := range []*idptest.Issuer{one, other} {
		idp.SetNow(c.now)
		providers = append(providers,
			logins.Provider{Name: idp.Name(), Issuer: idp.URL, ClientIDs: []string{idptest.ClientID}})
	}
	p, err := logins.New(logins.Config{Providers: providers, Now: c.now, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	token := one.Token(nil)
	for range 2 { // the second time by what is remembered
		if _, err := p.Prove(t.Context(), one.Name(), token); err != nil {
			t.Fatal(err)
		}
		if proof, err := p.Prove(t.Context(), other.Name(), token); refusal(err) != mismatch {
			t.Errorf("under another provider: got a proof %v, %s; want %s", proof != nil, refusal(err), mismatch)
		}
	}
}
