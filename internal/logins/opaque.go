package logins

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// Limits of questions about tokens which say nothing by themselves.
const (
	outcomes     = 10_000
	outcomeLimit = 30 * time.Second // how long a refusal is believed
	failureLimit = time.Second      // how long a provider is not asked again about a token, after it could not be
)

// form is what a token looks like of which its provider can be asked.
type form struct {
	start       string
	least, most int // bytes
}

var errForm = errors.New("the token has not the form of one of this provider")

// has reports whether a token has the form: after its start letters, digits and what
// base64 and URLs have beside them.
func (f form) has(token string) bool {
	rest, ok := strings.CutPrefix(token, f.start)
	if !ok || len(token) < f.least || len(token) > f.most {
		return false
	}
	for _, c := range []byte(rest) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-_.~+/=|", c) < 0 {
			return false
		}
	}
	return true
}

// madeUp is a token of the form that is nobody's.
func (f form) madeUp() string { return f.start + strings.Repeat("0", f.least) }

// opaque asks a provider about tokens which say nothing by themselves, and so that whatever
// is thrown at it makes few questions: one about a token for all who bring it at once, and
// questionsAtOnce at any time, whose turns are shared among addresses. It is safe for concurrent use.
type opaque struct {
	name    string
	ask     func(ctx context.Context, token string) (*Proof, error)
	now     func() time.Time
	newOnes Allowance
	told    func(provider string, err error)

	turns  *turns
	known  *otter.Cache[memory, outcome]
	mu     sync.Mutex
	open   map[memory]*question
	closed bool
	asking sync.WaitGroup
}

// outcome is what a question brought, and until when it is believed.
type outcome struct {
	proof *Proof
	err   error
	until time.Time
}

func (k outcome) stands(now time.Time) bool {
	return now.Before(k.until) && (k.proof == nil || k.proof.Holds(now))
}

// question is one that is asked, or waits for its turn.
type question struct {
	outcome
	done   chan struct{} // closed when the outcome is there
	askers int
	cancel context.CancelFunc
}

func newOpaque(p Provider, c *Config, ask func(context.Context, string) (*Proof, error)) (*opaque, error) {
	known, err := otter.New(&otter.Options[memory, outcome]{
		MaximumSize:      outcomes,
		ExpiryCalculator: otter.ExpiryWriting[memory, outcome](outcomeLimit),
	})
	if err != nil {
		return nil, fmt.Errorf("make memory of answers: %w", err)
	}
	return &opaque{
		name: p.Name, ask: ask, now: c.Now, newOnes: c.NewTokens, told: c.OnQuestion,
		turns: newTurns(c.Now), known: known, open: map[memory]*question{},
	}, nil
}

// prove asks about a token, or waits for whoever asks about it already. It fails as
// Verifier.Verify does, and with *Limited. Whoever leaves by ctx takes the question along
// only where he is the last.
func (o *opaque) prove(ctx context.Context, token string) (*Proof, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	digest := memory(sha256.Sum256([]byte(token)))
	q, err := o.join(ctx, digest, token)
	if err != nil {
		return nil, err
	}
	select {
	case <-q.done:
		return q.proof, q.err
	case <-ctx.Done():
		o.leave(digest, q)
		return nil, ctx.Err()
	}
}

// answered is a question that need not be asked.
func answered(by outcome) *question {
	q := &question{outcome: by, done: make(chan struct{})}
	close(q.done)
	return q
}

// join is the question about a token: what is known already, the one that is asked, or a new one.
func (o *opaque) join(ctx context.Context, digest memory, token string) (*question, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.known.GetIfPresent(digest); ok && known.stands(o.now()) {
		return answered(known), nil
	}
	if q, ok := o.open[digest]; ok {
		q.askers++
		return q, nil
	}
	if o.closed {
		return nil, o.unavailable(errClosed)
	}
	turn, err := o.enter(addressOf(ctx))
	if err != nil {
		return nil, err
	}
	asked, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q := &question{done: make(chan struct{}), askers: 1, cancel: cancel}
	o.open[digest] = q
	o.asking.Go(func() { o.run(asked, digest, token, q, turn) })
	return q, nil
}

// enter takes a permit of an address, and a place among those who wait for their turn.
func (o *opaque) enter(address string) (*place, error) {
	if address != "" {
		if wait := o.newOnes.Take(address); wait > 0 {
			return nil, &Limited{Provider: o.name, Wait: wait, cause: errLimited}
		}
	}
	turn, err := o.turns.enter(address)
	if err != nil {
		if address != "" {
			o.newOnes.Return(address)
		}
		if errors.Is(err, errCrowded) {
			return nil, &Limited{Provider: o.name, Wait: failureLimit, cause: err}
		}
		return nil, o.unavailable(err)
	}
	return turn, nil
}

// leave ends a question that nobody waits for any more.
func (o *opaque) leave(digest memory, q *question) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if q.askers--; q.askers == 0 && o.open[digest] == q {
		delete(o.open, digest)
		q.cancel()
	}
}

// run asks a question when its turn comes, and tells all who wait. A permit for a token that was proved
// goes back: many people may share an address. So does one for an outage, which is nobody's fault.
func (o *opaque) run(ctx context.Context, digest memory, token string, q *question, turn *place) {
	defer q.cancel()
	proof, err := o.inTurn(ctx, token, turn)
	if (err == nil || outage(err)) && turn.address != "" {
		o.newOnes.Return(turn.address)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	q.outcome = outcome{proof, err, o.believedUntil(err)}
	if o.open[digest] == q { // else all have left
		delete(o.open, digest)
		o.known.Set(digest, q.outcome)
	}
	close(q.done)
}

// inTurn waits for a turn, as long as somebody waits for the answer, and asks.
func (o *opaque) inTurn(ctx context.Context, token string, turn *place) (*Proof, error) {
	defer o.turns.leave(turn)
	patience := time.NewTimer(longestWait)
	defer patience.Stop()
	select {
	case <-turn.decided:
	case <-patience.C:
		return nil, o.unavailable(errQueue)
	case <-ctx.Done():
	}
	switch {
	case ctx.Err() != nil:
		return nil, o.unavailable(errLeft)
	case turn.refused != nil:
		return nil, o.unavailable(turn.refused)
	}
	return o.askNow(ctx, token)
}

// askNow asks, and tells how that went.
func (o *opaque) askNow(ctx context.Context, token string) (proof *Proof, err error) {
	defer func() {
		if p := recover(); p != nil { // what it holds may be the token
			proof, err = nil, o.unavailable(errors.New("asking it panicked"))
		}
	}()
	asked, cancel := context.WithTimeout(ctx, kindTimeout)
	defer cancel()
	proof, err = o.ask(asked, token)
	if ctx.Err() != nil { // nobody waits any more: that says nothing of the provider
		return nil, ctx.Err()
	}
	if unavailable, ok := errors.AsType[*Unavailable](err); ok {
		o.told(o.name, unavailable.cause)
	} else {
		o.told(o.name, nil)
	}
	return proof, err
}

// believedUntil is how long what a question brought answers the same one again. The Prover
// remembers proofs; here they are for those who asked at the same time.
func (o *opaque) believedUntil(err error) time.Time {
	if _, ok := errors.AsType[*Unavailable](err); ok {
		return o.now().Add(failureLimit)
	}
	return o.now().Add(outcomeLimit)
}

var (
	errClosed = errors.New("the broker stops")
	errLeft   = errors.New("nobody waits for the answer any more")
)

func (o *opaque) unavailable(cause error) error { return &Unavailable{Provider: o.name, cause: cause} }

// wait returns when ctx has ended, and all questions after it. None is asked any more.
func (o *opaque) wait(ctx context.Context) {
	<-ctx.Done()
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.asking.Wait()
}
