package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// A flight's lead is a string: the random token of the broker that has it. Beside
// it, for a moment, may stand how a flight failed, under a name that is made of the
// token: only who waited for that very lead finds it.
const (
	// leadLife is how long a lead lasts whose broker has died.
	leadLife = 3 * time.Second
	// leadCounted is how long its broker counts it, from before it asked.
	leadCounted = leadLife - 100*time.Millisecond
	// leadEvery is how often it is renewed.
	leadEvery = leadLife / 3
	// failureLife is how long a failure is kept for those who waited.
	failureLife = 5 * time.Second
	// endLeadWithin bounds the time to give a lead back.
	endLeadWithin = time.Second
)

// takeLead takes the lead where nobody has it, and returns who has it then. ARGV: a
// token, the lead's life.
var takeLead = newScript(`
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return redis.call('GET', KEYS[1])
`)

// renewLead renews the lead of whoever still has it. ARGV: his token, the lead's
// life. Returns whether he had.
var renewLead = newScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

// endLead gives the lead of whoever still has it back, and leaves how the flight
// failed, where it did. ARGV: his token, the failure's name, the failure or
// nothing, its life. Returns whether he had the lead.
var endLead = newScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] ~= '' then redis.call('SET', ARGV[2], ARGV[3], 'PX', ARGV[4]) end
return 1
`)

// lead is one that this broker has.
type lead struct {
	fleet       *Fleet
	name, token string
	failure     string // its name
	held        *cache.Lease
	stop        context.CancelFunc
	renewing    sync.WaitGroup
}

// Lead takes the lead of a flight, if no broker has it, and keeps it until its End,
// or until ctx ends. Where another has it, leader names that lead. It fails with
// cache.ErrFleet.
func (f *Fleet) Lead(ctx context.Context, flight cache.Flight) (taken cache.Lead, leader cache.Leader, err error) {
	token := random()
	l := &lead{
		fleet: f, name: f.names.flight(flight), token: string(token[:]), failure: f.names.failure(flight, string(token[:])),
		held: cache.NewLease(),
	}
	sent := time.Now()
	cmd, err := f.at(ctx, takeLead, l.name, l.token, leadLife.Milliseconds())
	if err != nil {
		return nil, "", unavailable("take a lead", err)
	}
	has, err := cmd.Text()
	if err != nil {
		return nil, "", unavailable("take a lead", err)
	}
	if has != l.token {
		return nil, cache.Leader(has), nil
	}
	l.held.Extend(sent.Add(leadCounted))
	ctx, l.stop = context.WithCancel(ctx)
	l.renewing.Go(func() { l.renew(ctx) })
	return l, "", nil
}

// renew keeps the lead up until ctx ends or it is lost. What fails is tried again:
// a lead outlives two renewals that do not come through.
func (l *lead) renew(ctx context.Context) {
	ticker := time.NewTicker(leadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		sent := time.Now()
		cmd, err := l.fleet.at(ctx, renewLead, l.name, l.token, leadLife.Milliseconds())
		if err != nil {
			continue
		}
		kept, err := cmd.Bool()
		if err == nil && !kept {
			return
		}
		if kept {
			l.held.Extend(sent.Add(leadCounted))
		}
	}
}

// Held reports whether the lead is still this broker's, by its own clock.
func (l *lead) Held() bool { return l.held.Held() }

// End gives the lead back. Where Redis does not answer, it lapses by itself.
func (l *lead) End(failure *cache.Failure) (held bool) {
	l.stop()
	l.renewing.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), endLeadWithin)
	defer cancel()
	cmd, err := l.fleet.at(ctx, endLead, l.name, l.token, l.failure, l.fleet.sealFailure(l.failure, failure), failureLife.Milliseconds())
	if err != nil {
		return false
	}
	held, err = cmd.Bool()
	return held && err == nil
}
