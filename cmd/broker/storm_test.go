package main

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// Of the test of kills.
const (
	stormClients    = 8
	stormKills      = 5
	usualOperations = 2000
)

// Eight clients link, unlink, merge and delete as fast as they can in one pool of a
// broker that is killed again and again. After each kill the store is sound, and
// at the end no login is lost whose link was acknowledged, and none is of two
// identities.
//
// Half of the calls are for persons of one client's own, whom it alone calls for:
// it knows what each answer must be (see life). The others are for persons whom
// all call for at once: what was ever acknowledged of them holds for good (see
// bonds).
//
// A long run: BROKER_TEST_OPERATIONS=10000 go test -run TestKillsLoseNoLogin
func TestKillsLoseNoLogin(t *testing.T) {
	t.Parallel()
	operations := usualOperations
	if n, err := strconv.Atoi(os.Getenv("BROKER_TEST_OPERATIONS")); err == nil {
		operations = n
	}
	idps := [2]*idptest.Issuer{idptest.Start(t), idptest.Start(t)}
	b := startBroker(t, []string{idps[0].URL, idps[1].URL}, "limits: {guests: {per_minute: 0}}\n")
	s := newStorm(t, b, idps, operations)
	var all sync.WaitGroup
	for range stormClients {
		all.Go(s.client)
	}
	defer all.Wait()
	for _, calls := range s.moments() {
		if s.await(calls); !s.Failed() {
			s.kill()
		}
	}
	all.Wait()
	s.hold()
	t.Logf("%d calls for %d persons of one client and %d of all, %d cut off", operations, s.persons, len(s.bonds.persons), s.cut)
}

// storm is a run of it.
type storm struct {
	*testing.T
	broker *instance
	pool   string
	idps   [2]*idptest.Issuer
	caller model.Caller
	bonds  bonds
	tokens sync.Map // of logins, as they are first needed

	mu      sync.Mutex
	calls   int // of all that there are to make, how many were begun
	all     int
	begun   *sync.Cond    // of calls
	up      chan struct{} // closed while the broker is up; another one after each kill
	persons int           // of clients' own
	cut     int           // calls that a kill cut off
}

func newStorm(t *testing.T, b *instance, idps [2]*idptest.Issuer, operations int) *storm {
	s := &storm{T: t, broker: b, pool: makePool(t, b, idps), idps: idps, all: operations, up: make(chan struct{})}
	s.begun = sync.NewCond(&s.mu)
	s.caller = model.Caller{API: b.sdkAs(admin()), Token: s.token, Developer: "login.example", Page: 60}
	close(s.up)
	return s
}

// token is a login's token; it outlasts a long run.
func (s *storm) token(l model.Login) string {
	if token, ok := s.tokens.Load(l); ok {
		return token.(string)
	}
	for _, i := range s.idps {
		if i.Name() == l.Provider {
			s.tokens.Store(l, i.Token(idptest.Claims{"sub": l.Subject, "exp": started.Add(24 * time.Hour).Unix()}))
		}
	}
	token, _ := s.tokens.Load(l)
	return token.(string)
}

// moments are the numbers of calls after which the broker is killed.
func (s *storm) moments() (at []int) {
	part := s.all / stormKills
	for n := range stormKills {
		at = append(at, n*part+rand.IntN(part))
	}
	return at
}

// await waits until so many calls were begun.
func (s *storm) await(calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.calls < calls {
		s.begun.Wait()
	}
}

// draw takes one of the calls that are left, and tells its number. After a failure
// none is left.
func (s *storm) draw() (n int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.begun.Broadcast()
	if s.Failed() {
		s.calls = s.all
	}
	if s.calls == s.all {
		return 0, false
	}
	s.calls++
	return s.calls, true
}

// client calls until none are left.
func (s *storm) client() {
	mine := s.born()
	for {
		n, ok := s.draw()
		switch {
		case !ok:
			mine.end()
			return
		case n%2 == 0:
			s.callForAll(n)
		case mine.old():
			mine.end()
			mine = s.born()
			fallthrough
		default:
			mine.call(mine.draw(mine.ids))
		}
	}
}

// call makes a call. It was cut off if ok is false; the broker is back then.
func (s *storm) call(op model.Op) (a model.Answer, ok bool) {
	s.mu.Lock()
	before := s.up
	s.mu.Unlock()
	<-before
	ctx, cancel := context.WithTimeout(s.Context(), callTime)
	defer cancel()
	a, err := s.caller.Call(ctx, op)
	if err == nil {
		return a, true
	}
	s.mu.Lock()
	s.cut++
	after := s.up
	s.mu.Unlock()
	if before == after {
		s.Errorf("%+v: got %v, want an answer of a broker that is up", op, err)
	}
	<-after
	return a, false
}

// kill ends the broker as kill -9 does, looks at what it left, and starts it again.
func (s *storm) kill() {
	s.mu.Lock()
	up := make(chan struct{})
	s.up = up
	s.mu.Unlock()
	defer close(up)
	kill(s.T, s.broker)
	s.hold()
	s.broker.logs = &syncBuffer{}
	s.broker.start(s.T)
}

// hold fails unless the store is sound and all bonds hold.
func (s *storm) hold() {
	s.Helper()
	if out, err := s.broker.command(s.T, "check", "-config", s.broker.config, "-store"); err != nil {
		s.Errorf("broker check -store: got %s %v, want a sound store", out, err)
	}
	kept, err := store.OpenReader(s.Context(), s.broker.store)
	if err != nil {
		s.Error(err)
		return
	}
	defer kept.Close()
	err = kept.View(s.Context(), func(tx *store.Tx) error { return s.bonds.hold(tx, s.pool) })
	if err != nil {
		s.Errorf("what was acknowledged: %v", err)
	}
}
