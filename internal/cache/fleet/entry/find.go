package entry

import (
	"context"
	"slices"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// Find looks for the entry of a key. stamp is of its home scope, its pool and the logins that
// it is asked for with, and was read in this process before; all of them are read in
// one round trip. read stamps other scopes that the entry turns out to rest on, which
// cost another. Epochs that are missing are made; with sparing only if the pool has one,
// so that who names a pool that does not exist leaves nothing in Redis. It fails with
// cache.ErrFleet.
func (s *Entries) Find(
	ctx context.Context, key cache.Key, stamp cache.Stamp, read func(...cache.Scope) cache.Stamp, sparing bool,
) (cache.Found, error) {
	scopes, _ := stamp.Shared()
	name := s.codec.Names.Root(scopes[0]).Entry(key)
	blob, epochs, err := s.read(ctx, name, scopes)
	if err != nil {
		return cache.Found{}, err
	}
	found := cache.Found{Stamp: stamp.With(epochs)}
	if blob != "" {
		found.Entry, found.Fenced, err = s.open(ctx, name, blob, found.Stamp, read)
		if err != nil || found.Entry != nil {
			return found, err
		}
	}
	if len(epochs) < len(scopes) {
		if _, met := epochs[scopes[1]]; sparing && !met {
			found.Unmet = true
			return found, nil
		}
		var fenced bool
		if epochs, fenced, err = s.fences.Open(ctx, scopes); err != nil {
			return cache.Found{}, err
		}
		found.Stamp = stamp.With(epochs)
		found.Fenced = found.Fenced || blob != "" && fenced
	}
	return found, nil
}

// read reads an entry's blob and the epochs of scopes in one round trip. Epochs that are pending
// or missing are left out.
func (s *Entries) read(
	ctx context.Context, name string, scopes []cache.Scope,
) (blob string, epochs map[cache.Scope]cache.Epoch, err error) {
	values, err := s.reader.Get(ctx, append([]string{name}, s.epochNames(scopes)...))
	if err != nil {
		return "", nil, redisconn.Unavailable("read an entry", err)
	}
	return values[0], codec.ParseEpochs(scopes, values[1:]), nil
}

func (s *Entries) epochNames(scopes []cache.Scope) []string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = s.codec.Names.Epoch(scope)
	}
	return names
}

// open opens a blob if it was stamped with the present epochs, and returns nil otherwise.
// fenced tells that a fence is open over a scope that stamp does not have.
func (s *Entries) open(
	ctx context.Context, name, blob string, stamp cache.Stamp, read func(...cache.Scope) cache.Stamp,
) (entry *cache.Entry, fenced bool, err error) {
	h, ok := codec.ReadHeader(blob)
	scopes, present := stamp.Shared()
	if !ok || !stampedWith(h, present) {
		return nil, false, nil
	}
	entry, others, err := s.codec.OpenEntry(name, blob, h)
	if err != nil {
		s.codec.OpenFailed()
		return nil, false, nil
	}
	n := len(scopes) - 2 // of the others, known before
	if n < 0 || n > len(others) || !slices.Equal(scopes[2:], others[:n]) {
		return nil, false, nil
	}
	if others = others[n:]; len(others) > 0 {
		also := read(others...)
		epochs, stand, fenced, err := s.stand(ctx, others, h.Epochs[len(present):])
		if err != nil || !stand {
			return nil, fenced, err
		}
		stamp = cache.JoinStamps(stamp, also.With(epochs))
	}
	entry.Stamp = stamp
	return entry, false, nil
}

// stampedWith reports whether a header's first epochs are the present ones, all of which are
// known.
func stampedWith(h codec.Header, present []cache.Epoch) bool {
	return len(h.Epochs) >= len(present) && slices.Equal(h.Epochs[:len(present)], present) &&
		!slices.Contains(present, cache.Epoch{})
}

// stand reports whether the epochs of scopes are those, and returns them. fenced tells that one
// of them became pending a moment ago.
func (s *Entries) stand(
	ctx context.Context, scopes []cache.Scope, want []cache.Epoch,
) (epochs map[cache.Scope]cache.Epoch, stand, fenced bool, err error) {
	values, err := s.reader.Get(ctx, s.epochNames(scopes))
	if err != nil {
		return nil, false, false, redisconn.Unavailable("read epochs", err)
	}
	if epochs = codec.ParseEpochs(scopes, values); len(epochs) < len(scopes) {
		if epochs, fenced, err = s.fences.Open(ctx, scopes); err != nil { // pending, or there is none
			return nil, false, false, err
		}
	}
	for i, scope := range scopes {
		if epoch, known := epochs[scope]; known && epoch != want[i] {
			return nil, false, false, nil
		}
	}
	return epochs, len(epochs) == len(scopes), fenced, nil
}
