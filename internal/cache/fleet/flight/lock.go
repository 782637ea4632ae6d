package flight

import (
	"context"
	"sync"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/pipeline"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// A flight's lock is a string: the random token of the broker that has it. Beside it, for a
// moment, may stand how the flight failed, under a name that is made of the token: only who
// waited for that very lock finds it.
const (
	// lockLife is how long a lock lasts whose broker has died.
	lockLife = 3 * time.Second
	// lockCounted is how long its broker counts it, from before it asked.
	lockCounted = lockLife - 100*time.Millisecond
	// lockEvery is how often it is renewed.
	lockEvery = lockLife / 3
	// failureLife is how long a failure is kept for those who waited.
	failureLife = 5 * time.Second
	// releaseWithin bounds the time to give a lock back.
	releaseWithin = time.Second
)

// takeLock takes the lock where no broker has it, and returns the token of whoever has it then.
// ARGV: a token, the lock's life.
var takeLock = redisconn.NewScript(`
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return redis.call('GET', KEYS[1])
`)

// renewLock renews the lock of a broker that still has it. ARGV: its token, the lock's life.
// Returns whether it had.
var renewLock = redisconn.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

// releaseLock releases the lock of a broker that still has it, and leaves how the flight failed,
// if it did. KEYS: the lock, the failure. ARGV: its token, the failure or nothing, its life.
// Returns whether it had the lock.
var releaseLock = redisconn.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
return 1
`)

// Locks are the locks of flights. It is safe for concurrent use.
type Locks struct {
	redis  redisconn.Client
	codec  *codec.Codec
	reader *pipeline.Reader
}

// New makes those of a fleet.
func New(c redisconn.Client, k *codec.Codec, r *pipeline.Reader) *Locks {
	return &Locks{redis: c, codec: k, reader: r}
}

// lock is one that this broker has.
type lock struct {
	locks       *Locks
	name, token string
	failureName string // its name
	lease       *cache.Lease
	stop        context.CancelFunc
	renewing    sync.WaitGroup
}

// Lock takes the lock of a flight, if no broker has it, and keeps it until its Release,
// or until ctx ends. Where another has it, holder names that broker's lock. It fails with
// cache.ErrFleet.
func (s *Locks) Lock(ctx context.Context, flight cache.Flight) (taken cache.Lock, holder cache.LockHolder, err error) {
	token := codec.Random()
	l := &lock{
		locks: s, name: s.codec.Names.Lock(flight), token: string(token[:]),
		failureName: s.codec.Names.Failure(flight, string(token[:])),
		lease:       cache.NewLease(),
	}
	sent := time.Now()
	cmd, err := s.redis.At(ctx, takeLock, []string{l.name}, l.token, lockLife.Milliseconds())
	if err != nil {
		return nil, "", redisconn.Unavailable("take a lock", err)
	}
	has, err := cmd.Text()
	if err != nil {
		return nil, "", redisconn.Unavailable("take a lock", err)
	}
	if has != l.token {
		return nil, cache.LockHolder(has), nil
	}
	l.lease.Extend(sent.Add(lockCounted))
	ctx, l.stop = context.WithCancel(ctx)
	l.renewing.Go(func() { l.renew(ctx) })
	return l, "", nil
}

// renew keeps the lock until ctx ends or it is lost. A renewal that fails is tried again: a lock
// outlives two of them.
func (l *lock) renew(ctx context.Context) {
	ticker := time.NewTicker(lockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		sent := time.Now()
		cmd, err := l.locks.redis.At(ctx, renewLock, []string{l.name}, l.token, lockLife.Milliseconds())
		if err != nil {
			continue
		}
		kept, err := cmd.Bool()
		if err == nil && !kept {
			return
		}
		if kept {
			l.lease.Extend(sent.Add(lockCounted))
		}
	}
}

// Held reports whether the lock is still this broker's, by its own clock.
func (l *lock) Held() bool { return l.lease.Held() }

// Release releases the lock. Where Redis does not answer, it lapses by itself.
func (l *lock) Release(failure *cache.Failure) (held bool) {
	l.stop()
	l.renewing.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), releaseWithin)
	defer cancel()
	left := l.locks.sealFailure(l.failureName, failure)
	keys := []string{l.name, l.failureName}
	cmd, err := l.locks.redis.At(ctx, releaseLock, keys, l.token, left, failureLife.Milliseconds())
	if err != nil {
		return false
	}
	held, err = cmd.Bool()
	return held && err == nil
}
