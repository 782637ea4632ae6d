package flows

import (
	"context"
	"errors"
	"time"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// How a broker takes part in a flight, as it is counted.
const (
	flightLed      = "led"       // it made the exchange
	flightTookOver = "took_over" // likewise, after another broker's flight brought nothing for its clients
	flightAlone    = "alone"     // likewise, beside other brokers: they could not be asked, or a fence moved on
	flightFound    = "found"     // another broker stored what it would have brought, just before
	flightWaited   = "waited"    // it took what another broker's brought, or how that failed
	flightLapsed   = "lapsed"    // it had lost the lock when its exchange ended
	flightJoined   = "joined"    // a client shared the flight of another one here
	flightLeft     = "left"      // a client left before the end
)

func joinedOrLeft(err, left error) string {
	if left != nil && errors.Is(err, left) {
		return flightLeft
	}
	return flightJoined
}

// fleetExchange makes an exchange for the fleet: of its brokers one at a time makes it; the others
// wait for what it stores, or for how it failed, and one of them takes over where that is nothing,
// or the broker died.
func (s *server) fleetExchange(ctx context.Context, q query) (flightResult, error) {
	if s.Shared == nil {
		return s.exchangeUnlocked(ctx, q, flightLed)
	}
	f, outcome := cache.Flight{Key: q.key, Stamp: q.stamp, Fences: q.links || q.newPool}, flightLed
	for q.links || q.newPool || q.stamp.Stands() {
		// The slot comes first: nobody waits for a broker that waits for one.
		release, err := s.calls.slot(ctx)
		if err != nil {
			return flightResult{}, err
		}
		lock, holder, err := s.Shared.Lock(ctx, f)
		if err != nil {
			release()
			break
		}
		var b flightResult
		var final bool
		if lock != nil {
			b, final, err = s.exchangeLocked(ctx, q, lock, outcome, release)
		} else {
			release()
			b, final, err = s.awaitOther(ctx, q, f, holder)
			outcome = flightTookOver
		}
		if final {
			return b, err
		}
	}
	return s.exchangeUnlocked(ctx, q, flightAlone)
}

// exchangeUnlocked makes the exchange whatever other brokers do.
func (s *server) exchangeUnlocked(ctx context.Context, q query, outcome string) (flightResult, error) {
	release, err := s.calls.slot(ctx)
	if err != nil {
		return flightResult{}, err
	}
	defer release()
	s.Observer.Flight(outcome)
	entry, err := s.exchangePermitted(ctx, q)
	return q.result(entry, err)
}

// exchangeLocked makes the exchange for all brokers, unless another made it just before.
// final is false where the lock was lost before the exchange.
func (s *server) exchangeLocked(
	ctx context.Context, q query, lock cache.Lock, outcome string, release func(),
) (b flightResult, final bool, err error) {
	defer release()
	var failure *cache.Failure
	defer func() {
		if !lock.Release(failure) {
			s.Observer.Flight(flightLapsed)
		}
	}()
	if entry := s.storedMeanwhile(ctx, q); entry != nil {
		s.Observer.Flight(flightFound)
		return flightResult{entry: entry}, true, nil
	}
	if !lock.Held() {
		return flightResult{}, false, nil
	}
	s.Observer.Flight(outcome)
	entry, err := s.exchangePermitted(ctx, q)
	failure = failureOf(ctx, err, q.tokens)
	b, err = q.result(entry, err)
	return b, true, err
}

// awaitOther waits for the broker that holds the lock of a flight. final is false where what that
// ended with is nothing for this one's clients: a refusal of other tokens than
// theirs, or nothing at all. A flight that makes a fence may have begun before
// another one, so its refusal is nobody else's.
func (s *server) awaitOther(
	ctx context.Context, q query, f cache.Flight, holder cache.LockHolder,
) (b flightResult, final bool, err error) {
	began := time.Now()
	failure, err := s.Shared.Await(ctx, f, holder)
	s.Observer.FlightWait(time.Since(began))
	if ctx.Err() != nil {
		return flightResult{}, true, ctx.Err()
	}
	if err != nil {
		return flightResult{}, false, nil
	}
	if failure != nil {
		b, err = q.result(nil, otherBrokersError(failure))
		final = err != nil || failure.Tokens == q.tokens && !q.links
	} else if b.entry = s.storedMeanwhile(ctx, q); b.entry != nil {
		final = true
	}
	if final {
		s.Observer.Flight(flightWaited)
	}
	return b, final, err
}

// storedMeanwhile is what the fleet has for the call now, if that serves it: it is read
// under the present epochs, so whoever brought it, nothing outdates it.
func (s *server) storedMeanwhile(ctx context.Context, q query) *cache.Entry {
	now := q
	now.readEpochs(s.Epochs)
	found, err := s.Shared.Find(ctx, q.key, now.stamp, s.Epochs.Read, q.namesPool())
	if err != nil || found.Entry == nil || !found.Entry.Stands(s.Now()) {
		return nil
	}
	if q.old != nil && !found.Entry.Credentials.Expires.After(q.old.Credentials.Expires) {
		return nil
	}
	return s.promote(q.key, found.Entry)
}

// result is what an exchange of this call ended with.
func (q *query) result(entry *cache.Entry, err error) (flightResult, error) {
	if err != nil && !cognito.Passing(err) {
		return flightResult{refusal: err, tokens: q.tokens}, nil
	}
	return flightResult{entry: entry}, err
}

// failureOf is what brokers that waited for an exchange are told of how it failed:
// nothing where this broker is the reason.
func failureOf(ctx context.Context, err error, tokens cache.Key) *cache.Failure {
	if err == nil || ctx.Err() != nil || errors.Is(err, cache.ErrFleet) {
		return nil
	}
	public := cognito.Public(err)
	return &cache.Failure{
		Code: public.ErrorCode(), Message: public.ErrorMessage(), ServerFault: public.ErrorFault() == smithy.FaultServer,
		BackendDown: errors.Is(err, cognito.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded), Tokens: tokens,
	}
}

// errOtherBroker is the cause of what another broker was told: its log has more.
var errOtherBroker = errors.New("the exchange of another broker failed")

// otherBrokersError is the error that another broker's exchange ended with.
func otherBrokersError(f *cache.Failure) error {
	if f.BackendDown {
		return cognito.Unavailable(errOtherBroker)
	}
	fault := smithy.FaultClient
	if f.ServerFault {
		fault = smithy.FaultServer
	}
	return cognito.WithCause(&smithy.GenericAPIError{Code: f.Code, Message: f.Message, Fault: fault}, errOtherBroker)
}
