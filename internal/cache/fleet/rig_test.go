package fleet_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// silent observes nothing.
type silent struct{}

func (silent) Fence(string, time.Duration) {}
func (silent) Subscription(bool)           {}
func (silent) AnnouncementsMissed()        {}
func (silent) OpenFailed()                 {}
func (silent) Redis(string, time.Duration) {}

// keys are the keys of one fleet.
type keys struct{ seal, name []byte }

func newKeys() keys {
	k := keys{make([]byte, 32), make([]byte, 32)}
	rand.Read(k.seal)
	rand.Read(k.name)
	return k
}

// server is a Redis at these addresses, with the default time-outs. Of several, a master
// needs a replica.
func server(addresses ...string) fleet.Server {
	return fleet.Server{
		Addresses: addresses, DialTimeout: 500 * time.Millisecond, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond,
		MinReplicas: min(1, len(addresses)-1),
	}
}

// replicated is a Redis at that address that needs a replica.
func replicated(address string) fleet.Server {
	s := server(address)
	s.MinReplicas = 1
	return s
}

// broker is one broker's share in a fleet, with its memory.
type broker struct {
	*fleet.Fleet
	epochs *cache.Epochs
	memory *cache.Memory
}

// join starts a broker of the fleet that those keys make.
func join(t testing.TB, s fleet.Server, k keys) *broker {
	t.Helper()
	return joinWith(t, k, fleet.Config{Server: s, Observer: silent{}})
}

// joinWith starts a broker of that configuration in the fleet that those keys make.
func joinWith(t testing.TB, k keys, c fleet.Config) *broker {
	t.Helper()
	if c.NameKey = k.name; c.Keys == nil {
		c.Keys = [][]byte{k.seal}
	}
	if c.FenceLife == 0 {
		c.FenceLife = 10 * time.Second
	}
	f, err := fleet.New(c)
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{Fleet: f, epochs: cache.NewEpochs()}
	b.epochs.ShareWith(f)
	f.OnInvalidation(b.epochs.End)
	if b.memory, err = cache.NewMemory(10_000, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		f.Close()
		b.memory.Close()
	})
	return b
}

// leased waits until the broker has its lease.
func (b *broker) leased(t testing.TB) *broker {
	t.Helper()
	for end := time.Now().Add(time.Minute); !b.Lease().Held(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no lease within a minute")
		}
	}
	return b
}

// healthy waits until the broker finds nothing wrong with Redis.
func (b *broker) healthy(t testing.TB) *broker {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("redis is %q, %+v", b.Health(), b.Status())
		}
	}()
	redistest.Until(t, "redis is well", func() bool { return b.Health() == "" })
	return b
}

const pool = cache.Scope("p/pool")

var namer = cache.NewNamer(nil)

// keyOf is the key of an identity's entry.
func keyOf(id string) cache.Key { return namer.Key("test", id) }

// find finds an identity's entry as a broker does: in memory, then in Redis. The
// stamp is for an exchange that begins now.
func (b *broker) find(ctx context.Context, id string) (*cache.Entry, cache.Stamp, error) {
	if e, ok := b.memory.Get(keyOf(id)); ok {
		return e, cache.Stamp{}, nil
	}
	found, err := b.Find(ctx, keyOf(id), b.epochs.Read(cache.IdentityScope(id), pool), b.epochs.Read, false)
	if err != nil {
		return nil, cache.Stamp{}, err
	}
	if found.Entry != nil {
		b.memory.Put(keyOf(id), found.Entry)
	}
	return found.Entry, found.Stamp, nil
}

// save keeps what an exchange brought.
func (b *broker) save(ctx context.Context, id, secret string, stamp cache.Stamp) error {
	e := &cache.Entry{Issued: time.Now(), Stamp: stamp, Credentials: cache.Credentials{
		IdentityID: id, AccessKeyID: "AKID", SecretKey: secret, SessionToken: "token", Expires: time.Now().Add(time.Hour),
	}}
	b.memory.Put(keyOf(id), e)
	return b.Store(ctx, keyOf(id), e)
}
