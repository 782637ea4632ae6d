package logins_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// graphRig is a prover of Facebook's logins in a bubble of synctest.
type graphRig struct {
	*logins.Prover
	graph *idptest.Graph
}

func inBubble(t *testing.T, change func(*logins.Config), test func(t *testing.T, r graphRig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := idptest.NewGraph()
		c := logins.Config{
			Transport: idptest.InProcess{facebookName: g, "limited.facebook.com": g},
			Providers: []logins.Provider{{Name: facebookName, Kind: loginkey.Facebook, ClientIDs: []string{idptest.AppID},
				AppSecret: idptest.AppSecret}},
		}
		if change != nil {
			change(&c)
		}
		p, err := logins.New(c)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Stop()
		test(t, graphRig{p, g})
	})
}

func (r graphRig) user(id string) string {
	return r.graph.Token(idptest.GraphToken{App: idptest.AppID, User: id})
}

func (r graphRig) prove(ctx context.Context, token string) error {
	_, err := r.Prove(ctx, facebookName, token)
	return err
}

// nobodys is one of many tokens that prove nothing.
func nobodys(n int) string { return fmt.Sprintf("EAA%0100d", n) }

// All who bring a token at once share one question; whoever leaves takes nobody along, also the one who
// came first.
func TestOneQuestionForAll(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r graphRig) {
		token := r.user("7")
		r.graph.Hold()
		first, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { left <- r.prove(first, token) }()
		synctest.Wait()
		var proved atomic.Int32
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if proof, err := r.Prove(t.Context(), facebookName, token); err == nil && proof.Subject == "7" {
					proved.Add(1)
				}
			})
		}
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left: got %v, want his own context's error", err)
		}
		r.graph.Release()
		all.Wait()
		if proved.Load() != 100 || r.graph.Questions.Load() != 1 {
			t.Errorf("%d proved by %d questions, want 100 by one", proved.Load(), r.graph.Questions.Load())
		}
	})
}

// A question ends when nobody waits for it, and a new one is asked for who comes then. Its provider is
// not blamed.
func TestQuestionsThatNobodyWaitsFor(t *testing.T) {
	var told []error
	inBubble(t, func(c *logins.Config) {
		c.OnQuestion = func(_ string, err error) { told = append(told, err) }
	}, func(t *testing.T, r graphRig) {
		token := r.user("7")
		r.graph.Hold()
		ctx, leave := context.WithCancel(t.Context())
		for range 3 {
			go func() { _ = r.prove(ctx, token) }()
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		if n := r.Open(facebookName); n != 0 {
			t.Errorf("%d questions are open, want none", n)
		}
		r.graph.Release()
		if err := r.prove(t.Context(), token); err != nil {
			t.Errorf("who came after: %v", err)
		}
		if err := r.prove(ctx, r.user("8")); !errors.Is(err, context.Canceled) || r.graph.Questions.Load() != 2 {
			t.Errorf("who had left before he came: got %v and %d questions, want none more than 2", err,
				r.graph.Questions.Load())
		}
	})
	if len(told) != 1 || told[0] != nil {
		t.Errorf("told %v, want the last answer alone", told)
	}
}

// Ten thousand made-up tokens make at most 16 questions at once, however slow their provider is;
// everybody is answered within his deadline, and warmed logins as ever.
func TestFloodOfMadeUpTokens(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r graphRig) {
		warm := r.user("7")
		if err := r.prove(t.Context(), warm); err != nil {
			t.Fatal(err)
		}
		r.graph.Questions.Store(0)
		r.graph.Hold() // nothing is answered
		began := time.Now()
		var refused, unavailable, late atomic.Int32
		var all sync.WaitGroup
		for n := range 10_000 {
			token := nobodys(n)
			if n%10 == 0 {
				token = fmt.Sprintf("made up %d", n) // not even the form
			}
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				err := r.prove(ctx, token)
				switch {
				case errors.Is(err, context.DeadlineExceeded):
					late.Add(1)
				case refusal(err) == opaque:
					refused.Add(1)
				case refusal(err) == cannotBeAsked:
					unavailable.Add(1)
				}
			})
		}
		synctest.Wait()
		if n := r.Open(facebookName); n != 1016 {
			t.Errorf("%d questions are open, want 16 and 1,000 that wait", n)
		}
		for range 1000 {
			if err := r.prove(t.Context(), warm); err != nil {
				t.Fatalf("a warmed login: %v", err)
			}
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("warmed logins waited %v", waited)
		}
		all.Wait()
		if waited := time.Since(began); waited > 10*time.Second {
			t.Errorf("the last was answered after %v, want it within its deadline", waited)
		}
		if n := r.graph.AtOnce.Load(); n != 16 {
			t.Errorf("got %d questions at once, want 16", n)
		}
		// 16 every 3 seconds for 10 seconds, and some while all leave.
		if n := r.graph.Questions.Load(); n < 64 || n > 1000 {
			t.Errorf("got %d questions, want 64 and a few", n)
		}
		if refused.Load() != 1000 || refused.Load()+unavailable.Load()+late.Load() != 10_000 {
			t.Errorf("%d refused, %d unavailable, %d late, want 1,000 refused and all answered", refused.Load(),
				unavailable.Load(), late.Load())
		}
		synctest.Wait()
		if n := r.Open(facebookName); n != 0 {
			t.Errorf("%d questions are open, want none", n)
		}
	})
}

// What a question brought is believed for its time, and no longer.
func TestHowLongAnswersAreBelieved(t *testing.T) {
	for what, f := range map[string]struct {
		fault http.HandlerFunc
		want  string
		life  time.Duration
	}{
		"refused": {nil, opaque, 30 * time.Second}, "no answer": {status(500, ""), cannotBeAsked, time.Second},
		"throttled": {idptest.GraphError(4), cannotBeAsked, time.Second},
	} {
		inBubble(t, nil, func(t *testing.T, r graphRig) {
			r.graph.Break(f.fault)
			asked := func(want int32) {
				t.Helper()
				if err := r.prove(t.Context(), nobodys(1)); refusal(err) != f.want {
					t.Errorf("%s: got %v, want %s", what, err, f.want)
				}
				if got := r.graph.Questions.Load(); got != want {
					t.Errorf("%s: asked %d times, want %d", what, got, want)
				}
			}
			asked(1)
			time.Sleep(f.life - 1)
			asked(1)
			time.Sleep(time.Nanosecond)
			asked(2)
		})
	}
}

// A provider that answers nothing costs three seconds, and tells so without the token.
func TestSlowGraph(t *testing.T) {
	var told []string
	inBubble(t, func(c *logins.Config) {
		c.OnQuestion = func(provider string, err error) { told = append(told, fmt.Sprint(provider, " ", err)) }
	}, func(t *testing.T, r graphRig) {
		r.graph.Hold()
		began := time.Now()
		err := r.prove(t.Context(), r.user("7"))
		if refusal(err) != cannotBeAsked || time.Since(began) != 3*time.Second {
			t.Errorf("got %v after %v, want Unavailable after 3 s", err, time.Since(began))
		}
		r.graph.Release()
		if err := r.prove(t.Context(), r.user("8")); err != nil {
			t.Error(err)
		}
	})
	if got := strings.Join(told, "; "); got != "graph.facebook.com no answer in time; graph.facebook.com <nil>" {
		t.Errorf("told: %q", got)
	}
}

// An address brings so many new tokens that prove nothing; then it waits, and others do not. What
// is known, or proves something, or comes without an address, does not count.
func TestNewTokensOfAnAddress(t *testing.T) {
	var limit *cache.Allowance
	inBubble(t, func(c *logins.Config) {
		var err error
		if limit, err = cache.NewAllowance(6, 3, 100, nil); err != nil {
			t.Fatal(err)
		}
		c.NewTokens = limit
	}, func(t *testing.T, r graphRig) {
		defer limit.Close()
		from := func(address string) context.Context { return logins.WithAddress(t.Context(), address) }
		for n := range 10 {
			if err := r.prove(from("a"), r.user(fmt.Sprint(n))); err != nil {
				t.Fatalf("user %d: %v", n, err)
			}
		}
		for n := range 3 {
			if err := r.prove(from("a"), nobodys(n)); refusal(err) != opaque {
				t.Fatalf("token %d: got %v, want it refused", n, err)
			}
		}
		before := r.graph.Questions.Load()
		genuine := r.user("11")
		err := r.prove(from("a"), genuine)
		limited, ok := errors.AsType[*logins.Limited](err)
		if !ok || limited.Wait != 10*time.Second || limited.Provider != facebookName {
			t.Errorf("got %v, want Limited for 10 s", err)
		}
		if _, ok := errors.AsType[*logins.Unavailable](err); !ok {
			t.Error("who does not know Limited does not find that it passes")
		}
		if _, ok := errors.AsType[*logins.Refused](err); ok {
			t.Error("got the token refused")
		}
		if r.graph.Questions.Load() != before {
			t.Error("the provider was asked")
		}
		if err := r.prove(from("a"), nobodys(0)); refusal(err) != opaque {
			t.Errorf("what is known: got %v", err)
		}
		for address, token := range map[string]string{"b": genuine, "": r.user("12")} {
			if err := r.prove(from(address), token); err != nil {
				t.Errorf("address %q: got %v", address, err)
			}
		}
		for n := range 5 {
			if err := r.prove(from(""), nobodys(100+n)); refusal(err) != opaque {
				t.Errorf("without an address: got %v", err)
			}
		}
		if err := r.prove(from("a"), genuine); err != nil {
			t.Errorf("what another address brought: %v", err)
		}
		time.Sleep(10 * time.Second)
		if err := r.prove(from("a"), r.user("13")); err != nil {
			t.Errorf("10 s later: %v", err)
		}
	})
}

// Run returns after questions under way; none is asked then.
func TestRunEndsQuestions(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r graphRig) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		r.graph.Hold()
		asked := make(chan error, 1)
		go func() { asked <- r.prove(t.Context(), r.user("7")) }()
		synctest.Wait()
		stop()
		synctest.Wait()
		if len(ended) != 0 {
			t.Error("ended while a question was asked")
		}
		r.graph.Release()
		if err := <-asked; err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := r.prove(t.Context(), r.user("8")); refusal(err) != cannotBeAsked {
			t.Errorf("afterwards: got %v, want Unavailable", err)
		}
	})
}

// loud are transports that repeat what was asked, as some errors of HTTP clients do.
type loud struct{ broken bool }

func (l loud) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.broken {
		return nil, fmt.Errorf("malformed HTTP response %q to %s, %v", r.URL, r.URL, r.Header)
	}
	return nil, fmt.Errorf("dial: %w %s", context.DeadlineExceeded, r.URL)
}

// No error holds a token or a secret, whatever the transport says.
func TestErrorsOfQuestionsAreSilent(t *testing.T) {
	token, bar := "EAA"+strings.Repeat("t0ken", 20), "Atza|"+strings.Repeat("t0ken", 100)
	for _, transport := range []http.RoundTripper{loud{}, loud{true}} {
		for name, p := range map[string]logins.Provider{
			token: {Name: facebookName, Kind: loginkey.Facebook, ClientIDs: []string{"7"}, AppSecret: "5ecret"},
			bar:   {Name: amazonName, Kind: loginkey.Amazon},
		} {
			var told error
			prover, err := logins.New(logins.Config{
				Providers: []logins.Provider{p}, Transport: transport, OnQuestion: func(_ string, err error) { told = err },
			})
			if err != nil {
				t.Fatal(err)
			}
			_, failed := prover.Prove(t.Context(), p.Name, name)
			_, asked := prover.Ask(t.Context(), p.Name)
			for _, err := range []error{failed, asked, told} {
				if err == nil || strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "5ecret") ||
					strings.Contains(err.Error(), "access_token") {
					t.Errorf("%s: got %v, want an error without what is secret", p.Name, err)
				}
			}
		}
	}
}

// panicking is a transport with a bug.
type panicking struct{}

func (panicking) RoundTrip(r *http.Request) (*http.Response, error) { panic(r.URL.String()) }

// A question that panics costs its askers an answer, and nobody the broker.
func TestQuestionsThatPanic(t *testing.T) {
	p, err := logins.New(logins.Config{
		Providers: []logins.Provider{{Name: amazonName, Kind: loginkey.Amazon}}, Transport: panicking{},
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 { // more than there are turns
		token := fmt.Sprintf("Atza|%0400d", n)
		_, err := p.Prove(t.Context(), amazonName, token)
		if refusal(err) != cannotBeAsked || strings.Contains(err.Error(), token[5:]) {
			t.Fatalf("question %d: got %v, want Unavailable without the token", n, err)
		}
	}
}
