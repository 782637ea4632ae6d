package logins

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

// Times of a key set.
const (
	fetchEvery   = 30 * time.Second // at most one fetch
	refreshAfter = time.Hour
	deadAfter    = 24 * time.Hour // since the last success
)

// Limits of a key set.
const (
	maxKeys   = 100
	maxSameID = 4
	minBits   = 2048
	maxBits   = 8192
)

var (
	errUnknownKey = errors.New("the token's key is not the issuer's")
	errForged     = errors.New("the signature does not verify")
	errNotNow     = errors.New("its keys were asked for less than 30 seconds ago, in vain")
)

// keySet is one issuer's keys, an oidc.KeySet. Whatever is thrown at it, it
// fetches at most once in 30 seconds; the last good keys serve through an outage
// for 24 hours.
type keySet struct {
	name    string
	fetch   func(ctx context.Context) ([]byte, error)
	now     func() time.Time
	timeout time.Duration
	onFetch func(string)

	current atomic.Pointer[snapshot]
	flight  singleflight.Group
	mu      sync.Mutex
	tried   time.Time // the last attempt
	failed  error     // its outcome
}

// snapshot is a key set as it was fetched. It never changes.
type snapshot struct {
	byID    map[string][]*key
	count   int
	fetched time.Time
}

func (s *snapshot) dead(now time.Time) bool  { return now.Sub(s.fetched) >= deadAfter }
func (s *snapshot) stale(now time.Time) bool { return now.Sub(s.fetched) >= refreshAfter }

func (s *snapshot) has(k *key) bool {
	return slices.ContainsFunc(s.byID[k.id], func(other *key) bool { return other.public.Equal(k.public) })
}

// find returns the keys that a token may be signed by. A token without key id is
// accepted only where there is no choice.
func (s *snapshot) find(id string) []*key {
	if id == "" && s.count == 1 {
		for _, keys := range s.byID {
			return keys
		}
	}
	return s.byID[id]
}

// usedKeyName is the context key under which VerifySignature reports its key, or
// why there is none: go-oidc hands on neither.
type usedKeyName struct{}

type usedKey struct {
	key *key
	err error
}

// VerifySignature returns the payload of a token signed by one of the issuer's
// keys. Its errors never hold the token.
func (k *keySet) VerifySignature(ctx context.Context, token string) (text []byte, err error) {
	used, ok := ctx.Value(usedKeyName{}).(*usedKey)
	if !ok {
		used = new(usedKey)
	}
	defer func() { used.err = err }()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512})
	if err != nil || len(parsed.Signatures) != 1 {
		return nil, errForged
	}
	keys, err := k.keysFor(ctx, parsed.Signatures[0].Header.KeyID)
	if err != nil {
		return nil, err
	}
	for _, candidate := range keys {
		if text, err := parsed.Verify(candidate.public); err == nil {
			used.key = candidate
			return text, nil
		}
	}
	return nil, errForged
}

// keysFor finds the keys of an id, fetching only for what the set cannot answer.
func (k *keySet) keysFor(ctx context.Context, id string) ([]*key, error) {
	now := k.now()
	s := k.current.Load()
	if s != nil && s.dead(now) {
		s = nil
	}
	if s != nil {
		if keys := s.find(id); len(keys) > 0 {
			if s.stale(now) {
				k.refresh() // nobody waits for it
			}
			return keys, nil
		}
	}
	err := k.wait(ctx, k.refresh())
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if s = k.current.Load(); s != nil && !s.dead(k.now()) {
		if keys := s.find(id); len(keys) > 0 {
			return keys, nil
		}
	}
	if err != nil {
		return nil, &Unavailable{Provider: k.name, cause: err}
	}
	return nil, errUnknownKey
}

// refresh fetches, unless it did within 30 seconds: then its result is what that
// fetch ended with.
func (k *keySet) refresh() <-chan singleflight.Result {
	return k.flight.DoChan("", func() (any, error) {
		if !k.mayTry() {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.failed != nil {
				return nil, fmt.Errorf("%w: %w", errNotNow, k.failed)
			}
			return nil, nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), k.timeout)
		defer cancel()
		err := k.load(ctx)
		k.mu.Lock()
		k.failed = err
		k.mu.Unlock()
		return nil, err
	})
}

func (k *keySet) mayTry() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if !k.tried.IsZero() && now.Sub(k.tried) < fetchEvery {
		return false
	}
	k.tried = now
	return true
}

func (k *keySet) load(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("fetching keys panicked: %v", p)
		}
		outcome := "ok"
		if err != nil {
			outcome = "error"
		}
		k.onFetch(outcome)
	}()
	text, err := k.fetch(ctx)
	if err != nil {
		return err
	}
	s, err := parseKeys(text)
	if err != nil {
		return err
	}
	s.fetched = k.now()
	k.current.Store(s)
	return nil
}

func (k *keySet) wait(ctx context.Context, result <-chan singleflight.Result) error {
	select {
	case r := <-result:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run refreshes the set hourly, once it is in use.
func (k *keySet) run(ctx context.Context) {
	tick := time.NewTicker(refreshAfter / 60)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s := k.current.Load(); s != nil && s.stale(k.now()) {
				<-k.refresh()
			}
		}
	}
}

// parseKeys reads a JWK set: its RSA keys for signatures, of sound length. Keys
// of other kinds are skipped; a set without any usable key is an error.
func parseKeys(text []byte) (*snapshot, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, errors.New("the key set is not JSON")
	}
	if len(raw.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has %d keys; at most %d are read", len(raw.Keys), maxKeys)
	}
	s := &snapshot{byID: map[string][]*key{}}
	for _, one := range raw.Keys {
		var jwk jose.JSONWebKey
		if json.Unmarshal(one, &jwk) != nil {
			continue
		}
		public, ok := jwk.Key.(*rsa.PublicKey)
		if !ok || (jwk.Use != "" && jwk.Use != "sig") || public.N.BitLen() < minBits || public.N.BitLen() > maxBits {
			continue
		}
		if len(s.byID[jwk.KeyID]) < maxSameID {
			s.byID[jwk.KeyID] = append(s.byID[jwk.KeyID], &key{id: jwk.KeyID, public: public})
			s.count++
		}
	}
	if s.count == 0 {
		return nil, errors.New("the key set holds no usable RSA key")
	}
	return s, nil
}
