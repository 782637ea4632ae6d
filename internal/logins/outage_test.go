package logins_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// limitedRig is a rig whose addresses bring so many new tokens at once, and one a minute.
func limitedRig(t *testing.T, burst int, change func(*logins.Config), test func(t *testing.T, r graphRig)) {
	t.Helper()
	var limit *cache.Allowance
	inBubble(t, func(c *logins.Config) {
		var err error
		if limit, err = cache.NewAllowance(1, burst, 100, nil); err != nil {
			t.Fatal(err)
		}
		c.NewTokens = limit
		if change != nil {
			change(c)
		}
	}, func(t *testing.T, r graphRig) {
		defer limit.Close()
		test(t, r)
	})
}

func isLimited(err error) bool {
	_, limited := errors.AsType[*logins.Limited](err)
	return limited
}

// Genuine tokens of another app are refused as such, and count against their address as any that prove
// nothing; Facebook, which knows them, is not held to be down.
func TestTokensOfAnotherApp(t *testing.T) {
	limitedRig(t, 120, func(c *logins.Config) {
		c.OnQuestion = func(_ string, err error) {
			if err != nil {
				t.Errorf("told that Facebook cannot be asked: %v", err)
			}
		}
	}, func(t *testing.T, r graphRig) {
		ctx := logins.WithAddress(t.Context(), "192.0.2.66")
		refused, limited := 0, 0
		for n := range 2000 {
			token := r.graph.Token(idptest.GraphToken{App: "7", User: fmt.Sprint(n)})
			switch err := r.prove(ctx, token); {
			case isLimited(err):
				limited++
			case refusal(err) == unsupported:
				refused++
			default:
				t.Fatalf("token %d: got %v", n, err)
			}
		}
		// One question about each, and one whether the app's own token is good.
		if questions := r.graph.Questions.Load(); refused != 120 || limited != 1880 || questions != 121 {
			t.Errorf("%d refused, %d limited, %d questions; want 120, 1,880, 121", refused, limited, questions)
		}
	})
}

// An address does not pay for an outage. It does for whatever else says nothing about its tokens, for
// they may be why.
func TestWhoPaysForQuestionsThatFail(t *testing.T) {
	cases := map[string]struct {
		fault http.HandlerFunc
		pays  bool
	}{
		"status 500": {status(500, ""), false}, "status 429": {status(429, ""), false},
		"status 404": {status(404, `{}`), true}, "no JSON": {serving("<html>"), true}, "no data": {serving(`{}`), true},
		"elsewhere": {http.RedirectHandler("http://localhost:1/x", http.StatusFound).ServeHTTP, true},
	}
	for code, pays := range map[int]bool{
		1: false, 2: false, 4: false, 17: false, 341: false, 10: true, 100: true, 190: true, 200: true, 613: true, -1: true,
	} {
		cases[fmt.Sprintf("code %d", code)] = struct {
			fault http.HandlerFunc
			pays  bool
		}{idptest.GraphError(code), pays} // also to whether the app is known
	}
	for what, f := range cases {
		limitedRig(t, 3, nil, func(t *testing.T, r graphRig) {
			r.graph.Break(f.fault)
			paid(t, r, what, f.pays)
		})
	}
	limitedRig(t, 3, nil, func(t *testing.T, r graphRig) {
		r.graph.Hold()
		defer r.graph.Release()
		paid(t, r, "no answer in time", false)
	})
	limitedRig(t, 3, func(c *logins.Config) { c.Transport = loud{} }, func(t *testing.T, r graphRig) {
		paid(t, r, "no connection", false)
	})
	limitedRig(t, 3, func(c *logins.Config) {
		c.Transport, c.Providers[0] = panicking{}, logins.Provider{Name: facebookName, Kind: loginkey.Facebook}
	}, func(t *testing.T, r graphRig) { paid(t, r, "a panic", true) })
}

// paid brings four tokens of an address that may bring three: the last tells whether the others counted.
func paid(t *testing.T, r graphRig, what string, want bool) {
	t.Helper()
	ctx := logins.WithAddress(t.Context(), "192.0.2.66")
	for n := range 3 {
		if err := r.prove(ctx, nobodys(n)); refusal(err) != cannotBeAsked {
			t.Errorf("%s: got %v, want Unavailable", what, err)
		}
	}
	if err := r.prove(ctx, nobodys(3)); isLimited(err) != want {
		t.Errorf("%s: got %v for the fourth, want it limited: %v", what, err, want)
	}
}

// Who leaves pays for his question, unless it has not been asked.
func TestWhoPaysForQuestionsThatAreLeft(t *testing.T) {
	leaves := func(t *testing.T, r graphRig, address, token string) {
		t.Helper()
		ctx, leave := context.WithCancel(logins.WithAddress(t.Context(), address))
		left := make(chan error)
		go func() { left <- r.prove(ctx, token) }()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want his own context's error", err)
		}
		synctest.Wait()
	}
	limitedRig(t, 3, nil, func(t *testing.T, r graphRig) {
		r.graph.Hold()
		for n := range 3 {
			leaves(t, r, "asked", nobodys(n))
		}
		if err := r.prove(logins.WithAddress(t.Context(), "asked"), nobodys(3)); !isLimited(err) {
			t.Errorf("asked and left: got %v, want the fourth limited", err)
		}
		others, stop := context.WithCancel(t.Context())
		for n := range 16 { // have all turns
			go func() { _ = r.prove(others, nobodys(10+n)) }()
		}
		synctest.Wait()
		for n := range 5 {
			leaves(t, r, "not asked", nobodys(100+n))
		}
		stop()
		r.graph.Release()
		synctest.Wait()
	})
}
