package logins_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

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

// The memory of proofs is bounded in bytes, whatever tokens hold: many small claims
// take up most.
func TestProofsAreBoundedByBytes(t *testing.T) {
	var small strings.Builder
	for n := range 750 { // within jwt.MaxValues
		fmt.Fprintf(&small, `,"c%d":[{"a":%d}]`, n, n)
	}
	for name, members := range map[string]string{
		"one long claim":    `,"x":"` + strings.Repeat("x", 30000) + `"`,
		"many small claims": small.String(),
		"empty lists":       `,"x":[` + strings.Repeat("[],", 2300) + `[]]`,
	} {
		t.Run(name, func(t *testing.T) {
			const budget = 2 << 20
			idp, c := idptest.Start(t), newClock()
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
			prove := func(n int) *logins.Proof {
				proof, err := p.Prove(t.Context(), idp.Name(),
					idp.SignRaw(idp.Header(""), idp.Payload("alice", fmt.Sprintf(`,"n":%d`, n)+members)))
				if err != nil {
					t.Fatal(err)
				}
				return proof
			}
			prove(0)
			before := heap()
			for n := range 80 {
				prove(n)
			}
			if got := p.Remembered(); got == 0 || got > budget {
				t.Errorf("remembered: got %d bytes, want some, and at most %d", got, budget)
			}
			if grown := heap() - before; grown > 2*budget {
				t.Errorf("heap: grew by %d bytes for a memory of %d", grown, budget)
			}
			runtime.KeepAlive(p)
		})
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
