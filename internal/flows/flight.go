package flows

import (
	"context"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// How a broker takes part in a flight, as it is counted.
const (
	flightLed      = "led"       // it made the exchange
	flightTookOver = "took_over" // likewise, after another broker's flight brought nothing for its askers
	flightAlone    = "alone"     // likewise, beside whatever other brokers do: they could not be asked, or a fence moved on
	flightFound    = "found"     // another broker stored what it would have brought, just before
	flightWaited   = "waited"    // it took what another broker's brought, or how that failed
	flightLapsed   = "lapsed"    // it had lost the lead when its exchange ended
	flightJoined   = "joined"    // an asker shared the flight of another one here
	flightLeft     = "left"      // an asker left before the end
)

func joinedOrLeft(err, asker error) string {
	if asker != nil && errors.Is(err, asker) {
		return flightLeft
	}
	return flightJoined
}

// flight brings what an exchange would. Of the brokers of a fleet one at a time
// makes it; the others wait for what it stores, or for how it failed, and one of
// them takes over where that is nothing, or the broker died.
func (s *Service) flight(ctx context.Context, sub subject) (brought, error) {
	if s.Shared == nil {
		return s.alone(ctx, sub, flightLed)
	}
	f, outcome := cache.Flight{Key: sub.key, Stamp: sub.stamp, Fences: sub.links || sub.unmet}, flightLed
	for sub.links || sub.unmet || sub.stamp.Stands() {
		// The slot comes first: nobody waits for a broker that waits for one.
		release, err := s.slot(ctx)
		if err != nil {
			return brought{}, err
		}
		lead, leader, err := s.Shared.Lock(ctx, f)
		if err != nil {
			release()
			break
		}
		var b brought
		var landed bool
		if lead != nil {
			b, landed, err = s.lead(ctx, sub, lead, outcome, release)
		} else {
			release()
			b, landed, err = s.follow(ctx, sub, f, leader)
			outcome = flightTookOver
		}
		if landed {
			return b, err
		}
	}
	return s.alone(ctx, sub, flightAlone)
}

// alone makes the exchange whatever other brokers do.
func (s *Service) alone(ctx context.Context, sub subject, outcome string) (brought, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return brought{}, err
	}
	defer release()
	s.Observer.Flight(outcome)
	entry, err := s.flyInTurn(ctx, sub)
	return sub.landed(entry, err)
}

// lead makes the exchange for all brokers, unless another made it just before.
// landed is false where the lead was lost before the exchange.
func (s *Service) lead(ctx context.Context, sub subject, lead cache.Lock, outcome string, release func()) (b brought, landed bool, err error) {
	defer release()
	var failure *cache.Failure
	defer func() {
		if !lead.Release(failure) {
			s.Observer.Flight(flightLapsed)
		}
	}()
	if entry := s.stored(ctx, sub); entry != nil {
		s.Observer.Flight(flightFound)
		return brought{entry: entry}, true, nil
	}
	if !lead.Held() {
		return brought{}, false, nil
	}
	s.Observer.Flight(outcome)
	entry, err := s.flyInTurn(ctx, sub)
	failure = failureOf(ctx, err, sub.tokens)
	b, err = sub.landed(entry, err)
	return b, true, err
}

// follow waits for the broker that leads a flight. landed is false where what that
// ended with is nothing for this one's askers: a refusal of other tokens than
// theirs, or nothing at all. A flight that makes a fence may have begun before
// another one, so its refusal is nobody else's.
func (s *Service) follow(ctx context.Context, sub subject, f cache.Flight, leader cache.LockHolder) (b brought, landed bool, err error) {
	began := time.Now()
	failure, err := s.Shared.Await(ctx, f, leader)
	s.Observer.FlightWait(time.Since(began))
	if ctx.Err() != nil {
		return brought{}, true, ctx.Err()
	}
	if err != nil {
		return brought{}, false, nil
	}
	if failure != nil {
		b, err = sub.landed(nil, elsewhere(failure))
		landed = err != nil || failure.Tokens == sub.tokens && !sub.links
	} else if b.entry = s.stored(ctx, sub); b.entry != nil {
		landed = true
	}
	if landed {
		s.Observer.Flight(flightWaited)
	}
	return b, landed, err
}

// stored is what the fleet has for the call now, if that serves it: it is read
// under the present epochs, so whoever brought it, nothing outdates it.
func (s *Service) stored(ctx context.Context, sub subject) *cache.Entry {
	now := sub
	now.readEpochs(s.Epochs)
	found, err := s.Shared.Find(ctx, sub.key, now.stamp, s.Epochs.Read, sub.namesPool())
	if err != nil || found.Entry == nil || !found.Entry.Stands(s.Now()) {
		return nil
	}
	if sub.old != nil && !found.Entry.Credentials.Expires.After(sub.old.Credentials.Expires) {
		return nil
	}
	return s.adopt(sub.key, found.Entry)
}

// landed is what an exchange of this call ended with.
func (sub *subject) landed(entry *cache.Entry, err error) (brought, error) {
	if err != nil && !cognito.Passing(err) {
		return brought{refusal: err, tokens: sub.tokens}, nil
	}
	return brought{entry: entry}, err
}
