package logins

import (
	"context"
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
	onFetch func(provider string, err error)
	// onChange is told of keys that came and went.
	onChange func(provider string, added, gone int)

	algorithms []string // that its tokens may be signed by

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
	return slices.ContainsFunc(s.byID[k.id], k.same)
}

// lacking is how many of the keys of s another set lacks.
func (s *snapshot) lacking(other *snapshot) (n int) {
	for _, same := range s.byID {
		for _, one := range same {
			if !other.has(one) {
				n++
			}
		}
	}
	return n
}

// find returns the keys that a token may be signed by. A token without key id is
// accepted only where there is no choice.
func (s *snapshot) find(id, algorithm string) []*key {
	all := s.byID[id]
	if id == "" && s.count == 1 {
		for _, all = range s.byID {
		}
	}
	var fit []*key
	for _, k := range all {
		if k.verifies(algorithm) {
			fit = append(fit, k)
		}
	}
	return fit
}

// askedName is the context key under which VerifySignature is told what the token's
// header says, and reports what it verified, or why it did not: go-oidc hands on
// neither.
type askedName struct{}

type asked struct {
	keyID, algorithm, issuer string // as our own reader read them
	key                      *key
	payload                  []byte
	err                      error
}

// VerifySignature returns, for a token signed by one of the issuer's keys, the one claim of it that
// go-oidc is to judge, as asked has it: whoever asks compares what was verified with what he read. The
// library would read others too, and refuse a token for the type of claims that nobody looks at, such as
// a nonce that is a number. Its errors never hold the token.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	a, ok := ctx.Value(askedName{}).(*asked)
	if !ok {
		return nil, errForged
	}
	a.key, a.payload, a.err = k.verify(ctx, token, a.keyID, a.algorithm)
	if a.err != nil {
		return nil, a.err
	}
	return json.Marshal(map[string]string{"iss": a.issuer})
}

// verify asks for the keys anew where those that it has do not fit: an issuer may
// have put another key under the same id.
func (k *keySet) verify(ctx context.Context, token, id, algorithm string) (*key, []byte, error) {
	var taken []jose.SignatureAlgorithm
	for _, a := range k.algorithms {
		taken = append(taken, jose.SignatureAlgorithm(a))
	}
	parsed, err := jose.ParseSignedCompact(token, taken)
	if err != nil {
		return nil, nil, errForged
	}
	from, keys, err := k.keysFor(ctx, id, algorithm)
	if err != nil {
		return nil, nil, err
	}
	if signer, text := signerOf(parsed, keys); signer != nil {
		return signer, text, nil
	}
	newer, err := k.newer(ctx, from)
	if err != nil {
		return nil, nil, err
	}
	if newer != nil {
		if signer, text := signerOf(parsed, newer.find(id, algorithm)); signer != nil {
			return signer, text, nil
		}
	}
	return nil, nil, errForged
}

// signerOf is the key by which a token is signed, with what is signed; nil: none.
func signerOf(token *jose.JSONWebSignature, keys []*key) (*key, []byte) {
	for _, candidate := range keys {
		if text, err := token.Verify(candidate.public); err == nil {
			return candidate, text
		}
	}
	return nil, nil
}

// newer is the key set that came after another; nil: none did, or could be had. It
// fails with ctx's error alone.
func (k *keySet) newer(ctx context.Context, than *snapshot) (*snapshot, error) {
	if current := k.current.Load(); current != than {
		return current, nil
	}
	_ = k.wait(ctx, k.refresh()) // the keys that it has stand
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if current := k.current.Load(); current != than {
		return current, nil
	}
	return nil, nil
}

// keysFor finds the keys of an id, and the set that they are of, fetching only for
// what the set cannot answer.
func (k *keySet) keysFor(ctx context.Context, id, algorithm string) (*snapshot, []*key, error) {
	now := k.now()
	s := k.current.Load()
	if s != nil && s.dead(now) {
		s = nil
	}
	if s != nil {
		if keys := s.find(id, algorithm); len(keys) > 0 {
			if s.stale(now) {
				k.refresh() // nobody waits for it
			}
			return s, keys, nil
		}
	}
	err := k.wait(ctx, k.refresh())
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if s = k.current.Load(); s != nil && !s.dead(k.now()) {
		if keys := s.find(id, algorithm); len(keys) > 0 {
			return s, keys, nil
		}
	}
	if err != nil {
		return nil, nil, &Unavailable{Provider: k.name, cause: err}
	}
	return nil, nil, errUnknownKey
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
		k.onFetch(k.name, err)
	}()
	text, err := k.fetch(ctx)
	if err != nil {
		return err
	}
	s, err := parseKeys(text, k.algorithms)
	if err != nil {
		return err
	}
	k.publish(s)
	return nil
}

// publish has tokens judged by a set from now on, and tells of keys that came and went.
func (k *keySet) publish(s *snapshot) {
	s.fetched = k.now()
	for _, same := range s.byID {
		for _, one := range same {
			one.keys = k
		}
	}
	former := k.current.Swap(s)
	if former == nil {
		return
	}
	if added, gone := s.lacking(former), former.lacking(s); added+gone > 0 {
		k.onChange(k.name, added, gone)
	}
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
