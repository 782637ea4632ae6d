package cache_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
)

// What is kept of credentials says the same, in one piece of memory.
func TestCompactCredentials(t *testing.T) {
	for _, c := range []cache.Credentials{
		{},
		{IdentityID: "id", Expires: start},
		{IdentityID: "id", AccessKeyID: "key", SecretKey: "secret", SessionToken: "token", Expires: start},
	} {
		got := c.Compact()
		if got != c {
			t.Errorf("got %q %q %q %q, want %q %q %q %q", got.IdentityID, got.AccessKeyID, got.SecretKey, got.SessionToken,
				c.IdentityID, c.AccessKeyID, c.SecretKey, c.SessionToken)
		}
	}
	c := cache.Credentials{
		IdentityID: strings.Repeat("i", 46), SecretKey: strings.Repeat("s", 40), SessionToken: tokenOf(1),
	}
	if got := testing.AllocsPerRun(10, func() { c = c.Compact() }); got > 1 {
		t.Errorf("got %v pieces, want one", got)
	}
}

// The two entries of a user, his credentials and the identity of his login, take not much
// more than the credentials: his names stand once, however often what is kept rests on them.
func TestEntriesAreSmall(t *testing.T) {
	const count, credentials, most = 2000, 1408, 1850
	m, err := cache.NewMemory(2*count, func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	epochs, names := cache.NewEpochs(), cache.NewNamer(nil)
	pool := strings.Repeat("p", 46)
	before := heap()
	for n := range count {
		id, subject := fmt.Sprintf("%046d", n), fmt.Sprintf("%036d", n)
		c := cache.Credentials{IdentityID: id, AccessKeyID: strings.Repeat("A", 20), SecretKey: strings.Repeat("s", 40),
			SessionToken: tokenOf(n), Expires: start.Add(time.Hour)}
		m.Put(names.Key("d", id), &cache.Entry{Credentials: c.Compact(), Issued: start, Stamp: epochs.Read(
			cache.IdentityScope(id), cache.CredentialsScope(pool), cache.LoginScope("idp.example", subject))})
		c = cache.Credentials{IdentityID: id, Expires: c.Expires}
		m.Put(names.Key("e", id), &cache.Entry{Credentials: c.Compact(), Issued: start, Stamp: epochs.Read(
			cache.LoginScope("idp.example", subject), cache.PoolScope(pool), cache.IdentityScope(id))})
	}
	if got := (heap() - before) / count; got > credentials+most {
		t.Errorf("got %d bytes for a user with credentials of %d, want at most %d", got, credentials, credentials+most)
	}
	if m.Len() != 2*count {
		t.Errorf("got %d entries, want %d", m.Len(), 2*count)
	}
	runtime.KeepAlive(m)
}
