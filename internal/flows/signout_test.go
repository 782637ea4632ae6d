package flows_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/logins"
)

// signOuts is a backend that is told of sign-outs, and refuses those of nobody.
type signOuts struct {
	*backend
	mu   sync.Mutex
	told []cognito.SignOut
}

func (s *signOuts) SignOut(_ context.Context, out cognito.SignOut) error {
	if out.Subject == "nobody" {
		return cognito.InvalidParameter("nobody")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, out)
	return nil
}

// rechecker refuses the logins of who is out, and takes those of others for a while.
type rechecker struct {
	out   sync.Map // subjects
	while time.Duration
}

func (r *rechecker) RecheckLogin(_ context.Context, _ string, proof *logins.Proof) (until time.Time, err error) {
	if _, out := r.out.Load(proof.Subject); out {
		return time.Time{}, cognito.NotAuthorized("out")
	}
	if r.while > 0 {
		until = time.Now().Add(r.while)
	}
	return until, nil
}

func (r *rechecker) RecheckToken(_ context.Context, t *cognito.Token) (until time.Time, err error) {
	if _, out := r.out.Load(t.AMR[0]); out {
		return time.Time{}, cognito.NotAuthorized("out")
	}
	if r.while > 0 {
		until = time.Now().Add(r.while)
	}
	return until, nil
}

func newSignOutRig(t *testing.T) (*rig, *signOuts, *rechecker) {
	t.Helper()
	memory, err := cache.NewMemory(1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(memory.Close)
	r := &rig{backend: &backend{life: time.Hour}, directory: &directory{}, t: t}
	told, rechecks := &signOuts{backend: r.backend}, &rechecker{}
	r.Service = flows.New(flows.Config{
		Next: told, STS: r.backend, Prover: prover{}, Tokens: reader{}, Directory: r.directory, Rechecks: rechecks,
		Memory: memory, Epochs: cache.NewEpochs(), Names: cache.NewNamer(nil),
		Floors: flows.Floors{Default: 20 * time.Minute}, Observer: noObserver{}, RenewIdle: 20 * time.Minute,
		Timeout: 15 * time.Second, MaxExchanges: 8, Random: func() float64 { return 0.5 }, Pools: []string{pool},
	})
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r, told, rechecks
}

// A sign-out ends what is cached for the login, in whichever spelling, and nobody else's.
func TestSignOutEndsALogin(t *testing.T) {
	r, told, _ := newSignOutRig(t)
	r.asks("first", userPool, "a1", flows.Miss)
	r.asks("again", userPool, "a1", flows.Hit)
	bob := func(want flows.Outcome) {
		t.Helper()
		info := flows.CallInfo{}
		_, err := r.askWith(&info, "us-east-1:22222222-1111-4111-8111-111111111111", map[string]string{userPool: "b1"})
		if err != nil || info.Outcome != want {
			t.Errorf("another user: got %s, %v, want %s", info.Outcome, err, want)
		}
	}
	bob(flows.Miss)
	notBefore := time.Unix(1_800_000_000, 0)
	out := cognito.SignOut{Pool: pool, Provider: newerPool, Subject: "a", NotBefore: notBefore}
	if err := r.SignOut(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if len(told.told) != 1 || told.told[0] != out {
		t.Errorf("the backend was told %v, want %v", told.told, out)
	}
	r.asks("afterwards", userPool, "a1", flows.Miss)
	bob(flows.Hit)

	const otherPool = "us-east-1:00000000-0000-4000-8000-000000000009" // whose administrators are others
	r.Service.Pools = append(r.Service.Pools, otherPool)
	out.Pool = otherPool
	if err := r.SignOut(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	r.asks("after a sign-out from another pool", userPool, "a1", flows.Hit)
	r.Service.Pools = []string{pool}

	for what, c := range map[string]struct {
		out  cognito.SignOut
		want string
	}{
		"of nobody":      {cognito.SignOut{Pool: pool, Provider: userPool, Subject: "nobody"}, "InvalidParameterException"},
		"another pool's": {cognito.SignOut{Pool: pool + "1", Provider: userPool, Subject: "a"}, "ResourceNotFoundException"},
	} {
		if err := r.SignOut(t.Context(), c.out); err == nil || cognito.Public(err).ErrorCode() != c.want {
			t.Errorf("%s: got %v, want %s", what, err, c.want)
		}
	}
	r.asks("after refusals", userPool, "a2", flows.Hit)
}

// Who signed out is not answered with what is cached for him, not even for his identity's id;
// the backend says why.
func TestCachedAnswersAreRechecked(t *testing.T) {
	r, _, rechecks := newSignOutRig(t)
	ask := func(what, token string, want flows.Outcome) {
		t.Helper()
		info := flows.CallInfo{}
		if _, err := r.ask(user, token, &info); err != nil || info.Outcome != want {
			t.Errorf("%s: got %s, %v, want %s", what, info.Outcome, err, want)
		}
	}
	id := func() string {
		t.Helper()
		in := &ci.GetIdInput{IdentityPoolId: aws.String(pool), Logins: map[string]string{idp: "a1"}}
		out, err := r.GetId(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return *out.IdentityId
	}
	first := id()
	if again := id(); again != first {
		t.Fatalf("his id: got %s, then %s", first, again)
	}
	ask("first", "a1", flows.Miss)
	ask("again", "a1", flows.Hit)
	rechecks.out.Store("a", true)
	before := r.backend.exchanges.Load()
	if _, err := r.ask(user, "a1", &flows.CallInfo{}); err != nil || r.backend.exchanges.Load() != before+1 {
		t.Errorf("out: got %v after %d exchanges, want the backend asked", err, r.backend.exchanges.Load()-before)
	}
	if again := id(); again == first {
		t.Error("out: got his id from the cache")
	}

	own := map[string]string{cognito.PassThrough: strings.Join([]string{"own", pool, user, "amr"}, "|")}
	for n, want := range []flows.Outcome{flows.Miss, flows.Hit} {
		info := flows.CallInfo{}
		if _, err := r.askWith(&info, user, own); err != nil || info.Outcome != want {
			t.Errorf("a token of the backend's, ask %d: got %s, %v, want %s", n, info.Outcome, err, want)
		}
	}
	rechecks.out.Store("amr", true)
	before = r.backend.exchanges.Load()
	if _, err := r.askAll(user, own); err != nil || r.backend.exchanges.Load() != before+1 {
		t.Errorf("a token of the backend's, out: got %v, want the backend asked", err)
	}
}

// Nor does it end anything that one login of an identity could not be checked again: it was proved.
func TestFailedRechecksEndNothing(t *testing.T) {
	r, _, rechecks := newSignOutRig(t)
	for _, token := range []string{"a1", "b1"} {
		r.asks("first", idp, token, flows.Miss)
		r.asks("again", idp, token, flows.Hit)
	}
	rechecks.out.Store("a", true)
	if _, err := r.ask(user, "a1", &flows.CallInfo{}); err != nil {
		t.Fatal(err)
	}
	rechecks.out.Delete("a")
	for _, token := range []string{"a1", "b1"} {
		r.asks("afterwards", idp, token, flows.Hit)
	}
}

// What was asked about a login lately need not be asked again, and not for longer.
func TestRecheckedAnswersLapse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, rechecks := newSignOutRig(t)
		rechecks.while = time.Minute
		for what, login := range map[string]map[string]string{
			"a login":                  {idp: "a1"},
			"a token of the backend's": {cognito.PassThrough: strings.Join([]string{"own", pool, user, "amr"}, "|")},
		} {
			if _, err := r.askWith(&flows.CallInfo{}, user, login); err != nil {
				t.Fatal(err)
			}
			info := &flows.CallInfo{}
			if _, err := r.askWith(info, user, login); err != nil || info.Condition == nil {
				t.Fatalf("%s: got %v and condition %v", what, err, info.Condition)
			}
			holds := func() bool {
				for _, p := range info.Condition.Proofs {
					if _, isProof := p.(*logins.Standing); !isProof && !p.Holds(time.Now()) {
						return false
					}
				}
				return true
			}
			time.Sleep(59 * time.Second)
			if !holds() {
				t.Errorf("%s, after 59 s: got it to be asked again", what)
			}
			time.Sleep(2 * time.Second)
			if holds() {
				t.Errorf("%s, after 61 s: got it taken unasked", what)
			}
		}
	})
}

// A backend that keeps no sign-outs says so.
func TestSignOutsWithoutABackend(t *testing.T) {
	r := newRig(t)
	if r.TakesSignOuts() {
		t.Error("got them taken")
	}
	if err := r.SignOut(t.Context(), cognito.SignOut{Pool: pool}); err == nil || errors.Is(err, cognito.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
