package redistest_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/redistest"
)

func sentinelClient(t *testing.T, w *redistest.Watched) *redis.Client {
	t.Helper()
	m := w.Master()
	c := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: redistest.MasterName, SentinelAddrs: w.Addrs(),
		Username: m.Username, Password: m.Password, TLSConfig: m.TLS,
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// The replica takes over from a dead master, which comes back as a replica, and
// from a living one on command.
func TestSentinels(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinels(t)
	c := sentinelClient(t, w)
	set(t, c, "k", "v")

	master, replica := w.Master(), w.Replica()
	if dead := w.KillMaster(); dead != master {
		t.Errorf("killed %s, want %s", dead.Addr(), master.Addr())
	}
	if got := w.Master(); got != replica {
		t.Errorf("then %s is master, want %s", got.Addr(), replica.Addr())
	}
	until(t, "a client finds the new master", func() bool {
		return c.Set(t.Context(), "k", "after the failover", 0).Err() == nil
	})

	w.Heal()
	if got := get(t, master, "k"); got != "after the failover" {
		t.Errorf("healed, the old master has %q, want the new one's data", got)
	}
	w.Failover()
	if got := w.Master(); got != master {
		t.Errorf("after Failover %s is master, want %s", got.Addr(), master.Addr())
	}
	until(t, "a client finds the new master", func() bool {
		return c.Set(t.Context(), "k", "v", 0).Err() == nil
	})
}

// A paused master loses its place; a dead sentinel is not missed.
func TestSentinelsPause(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinels(t)
	master := w.Master()
	w.Sentinels()[0].Kill()
	master.Pause()
	until(t, "the replica takes over", func() bool { return w.Master() != master })
	w.Heal()
	if got := w.Replica(); got != master {
		t.Errorf("healed, %s is replica, want %s", got.Addr(), master.Addr())
	}
}

// Sentinels that exchange the servers back, for the new master was slow, are asked
// again.
func TestSentinelsExchangeBack(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinels(t)
	master, replica := w.Master(), w.Replica()
	names := func(s *redistest.Server) bool {
		got, err := w.Sentinels()[1].Client().Do(t.Context(), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", redistest.MasterName).StringSlice()
		return err == nil && strings.Join(got, ":") == s.Addr()
	}
	slow := make(chan struct{})
	go func() {
		defer close(slow)
		for !names(replica) && t.Context().Err() == nil {
		}
		replica.Pause()
		for !names(master) && t.Context().Err() == nil {
		}
		replica.Resume()
	}()
	w.Failover() // fails the test where it does not come about
	<-slow
	w.Heal()
}

func TestSentinelsLogins(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinels(t, redistest.MutualTLS(), redistest.User("broker", "secret"))
	c := sentinelClient(t, w)
	set(t, c, "k", "v")
	w.KillMaster()
	until(t, "a client finds the new master", func() bool {
		return c.Set(t.Context(), "k", "v", 0).Err() == nil
	})
}
