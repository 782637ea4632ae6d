package issuer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
)

var errDisk = errors.New("disk is full")

// verifyOutside verifies a token by go-jose against the key set published now.
func verifyOutside(i *issuer.Issuer, token string) error {
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS512})
	if err != nil {
		return err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(i.JWKS(), &set); err != nil {
		return err
	}
	keys := set.Key(parsed.Signatures[0].Header.KeyID)
	if len(keys) != 1 {
		return fmt.Errorf("%d published keys have the token's id, want 1", len(keys))
	}
	_, err = parsed.Verify(keys[0])
	return err
}

func TestNoTokenIsRefusedWhileKeysRotate(t *testing.T) {
	i := start(t, config(&memory{}, nil))
	done := make(chan struct{})
	var signing sync.WaitGroup
	for range 8 {
		signing.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				token, err := i.Sign(t.Context(), claims(time.Now()))
				if err != nil {
					t.Errorf("sign: %v", err)
				}
				if err := verifyOutside(i, token); err != nil {
					t.Errorf("outside: %v", err)
				}
				if _, err := i.Verify(token); err != nil {
					t.Errorf("inside: %v", err)
				}
			}
		})
	}
	for range 5 {
		rotate(t, i)
	}
	close(done)
	signing.Wait()
}

// While the store works on a new key the old one signs and verifies, without
// waiting, and the new one is not published.
func TestKeyIsStoredBeforeItIsPublished(t *testing.T) {
	m := stocked(t, time.Now())
	i := start(t, config(m, nil))
	asked := false
	m.fail(func(_ context.Context, next []issuer.Key) error {
		asked = true
		token := sign(t, i, claims(time.Now()))
		if err := verifyOutside(i, token); err != nil {
			t.Error(err)
		}
		if _, err := i.Verify(token); err != nil {
			t.Error(err)
		}
		if got := published(i); got != "us-east-1-1" || next[0].ID != "us-east-1-2" {
			t.Errorf("while %s is stored, published: got %s, want us-east-1-1", next[0].ID, got)
		}
		return nil
	})
	if got := rotate(t, i); got != "us-east-1-2" || !asked {
		t.Errorf("got %s, stored: %v, want us-east-1-2, true", got, asked)
	}
	if got := published(i); got != "us-east-1-2 us-east-1-1" {
		t.Errorf("published: got %s, want the newest first", got)
	}
	if got := m.ids(); got != "us-east-1-1- us-east-1-2" {
		t.Errorf("stored: got %s, want the first retired", got)
	}
}

// A key that was not stored for certain never signs, and its number is burnt.
func TestRotationThatFails(t *testing.T) {
	m := stocked(t, time.Now())
	i := start(t, config(m, nil))
	m.fail(func(context.Context, []issuer.Key) error { return errDisk })
	if _, err := i.Rotate(t.Context()); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want the store's error", err)
	}
	if got := published(i); got != "us-east-1-1" {
		t.Errorf("published: got %s, want us-east-1-1", got)
	}
	if err := verifyOutside(i, sign(t, i, claims(time.Now()))); err != nil {
		t.Error(err)
	}
	m.fail(nil)
	if got := rotate(t, i); got != "us-east-1-3" {
		t.Errorf("got %s, want us-east-1-3", got)
	}
}

func TestConcurrentRotationsTakeTurns(t *testing.T) {
	m := stocked(t, time.Now())
	i := start(t, config(m, nil))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := i.Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for n, write := range m.writes { // the first stocked the store
		if got := len(write); got != n+1 {
			t.Errorf("write %d: got %d keys, want all before and one more", n, got)
		}
	}
	if got, want := m.ids(), "us-east-1-1- us-east-1-2- us-east-1-3- us-east-1-4- us-east-1-5"; got != want {
		t.Errorf("stored: got %s, want %s", got, want)
	}
}

func TestWaitersLeave(t *testing.T) {
	m := stocked(t, time.Now())
	c := config(m, nil)
	c.MaxSigning = 2
	i := start(t, c)
	leave := make([]func(), 2)
	for n := range leave {
		var err error
		if leave[n], err = i.Occupy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := i.Sign(ctx, claims(time.Now())); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("all places taken: got %v, want the context's error", err)
	}
	leave[0]()
	sign(t, i, claims(time.Now()))
	for range 20 { // a choice left to chance would show
		if _, err := i.Sign(ctx, claims(time.Now())); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context over, a place free: got %v, want the context's error", err)
		}
	}
	m.fail(func(context.Context, []issuer.Key) error { // holds the turn to rotate
		if _, err := i.Rotate(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("rotation under way: got %v, want the context's error", err)
		}
		return nil
	})
	rotate(t, i)
}

func TestKeysSurviveRestart(t *testing.T) {
	c := newClock()
	m := stocked(t, c.now())
	i := start(t, config(m, c.now))
	old := sign(t, i, claims(c.now()))
	rotate(t, i)
	young := sign(t, i, claims(c.now()))
	set := string(i.JWKS())
	i = start(t, config(m, c.now))
	if got := string(i.JWKS()); got != set {
		t.Errorf("key set: got %s, want %s", got, set)
	}
	for _, token := range []string{old, young, sign(t, i, claims(c.now()))} {
		if _, err := i.Verify(token); err != nil {
			t.Error(err)
		}
	}
	if got := rotate(t, i); got != "us-east-1-3" {
		t.Errorf("got %s, want us-east-1-3", got)
	}
}

// A retired key verifies for 25 hours, whoever runs, and no clock revives it.
func TestRetiredKeys(t *testing.T) {
	c := newClock()
	m := stocked(t, c.now())
	i := start(t, config(m, c.now))
	long := claims(c.now())
	long.IssuedAt, long.Expires = c.now().Add(4*time.Hour), c.now().Add(28*time.Hour)
	token := sign(t, i, long)
	rotate(t, i)
	c.advance(25*time.Hour - time.Second)
	if got := refusal(i, token); got != "accepted for "+identity {
		t.Errorf("just before: got %s, want it accepted", got)
	}
	if got := published(start(t, config(m, c.now))); got != "us-east-1-2 us-east-1-1" {
		t.Errorf("restarted just before: published %s, want both", got)
	}
	c.advance(time.Second)
	if got := refusal(i, token); got != issuer.Unverified.String() {
		t.Errorf("after: got %s, want %s", got, issuer.Unverified)
	}
	if got := published(start(t, config(m, c.now))); got != "us-east-1-2" {
		t.Errorf("restarted after: published %s, want us-east-1-2", got)
	}
	c.advance(-1000 * time.Hour)
	for range 2 {
		if parts := strings.Split(sign(t, i, claims(c.now())), "."); !strings.Contains(unb64(t, parts[0]), "us-east-1-2") {
			t.Errorf("clock set back: got header %s, want us-east-1-2", unb64(t, parts[0]))
		}
		i = start(t, config(m, c.now))
	}
	if got := rotate(t, i) + " of " + m.ids(); got != "us-east-1-3 of us-east-1-1- us-east-1-2- us-east-1-3" {
		t.Errorf("rotated on a clock set back: got %s", got)
	}
}

// New does not guess about keys that it cannot have stored.
func TestStoredKeysAreChecked(t *testing.T) {
	m := &memory{}
	start(t, config(m, nil))
	first := m.keys["us-east-1-1"]
	change := func(f func(*issuer.Key)) issuer.Key { k := first; f(&k); return k }
	for name, keys := range map[string][]issuer.Key{
		"no number":      {change(func(k *issuer.Key) { k.ID = "us-east-1-x" })},
		"no bytes":       {change(func(k *issuer.Key) { k.Private = nil })},
		"cut bytes":      {change(func(k *issuer.Key) { k.Private = k.Private[:100] })},
		"two in use":     {first, change(func(k *issuer.Key) { k.ID = "us-east-1-2" })},
		"number twice":   {first, change(func(k *issuer.Key) { k.ID, k.Retired = "eu-west-1-1", k.Created })},
		"over a hundred": many(first, 101),
	} {
		bad := &memory{}
		bad.put(keys)
		if _, err := issuer.New(t.Context(), config(bad, nil)); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	full := &memory{}
	full.put(many(first, 100))
	i := start(t, config(full, nil))
	if _, err := i.Rotate(t.Context()); !errors.Is(err, issuer.ErrTooManyKeys) {
		t.Errorf("rotation of a full set: got %v, want ErrTooManyKeys", err)
	}
	sign(t, i, claims(time.Now()))
}

// many stores a key under many ids, the last one in use.
func many(k issuer.Key, count int) []issuer.Key {
	var keys []issuer.Key
	for n := 1; n <= count; n++ {
		k.ID, k.Retired = fmt.Sprintf("us-east-1-%d", n), time.Now()
		if n == count {
			k.Retired = time.Time{}
		}
		keys = append(keys, k)
	}
	return keys
}

// Keys and issuers print without secrets.
func TestKeysAreRedacted(t *testing.T) {
	m := stocked(t, time.Now())
	i := start(t, config(m, nil))
	k := slices.Collect(maps.Values(m.keys))[0]
	text, err := k.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, v := range []any{k, &k, m.writes, i} {
			text = append(text, fmt.Sprintf(verb, v)...)
		}
	}
	for _, secret := range []string{fmt.Sprintf("%x", k.Private[50:60]), fmt.Sprint(k.Private[50:60])[1:20],
		string(k.Private[50:60])} {
		if strings.Contains(string(text), secret) {
			t.Error("a private key is printed")
		}
	}
}
