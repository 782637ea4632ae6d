package entry

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// entryRef is the names of an entry and of the epochs that it rests on.
type entryRef struct {
	entries *Entries
	key     cache.Key
	stamp   cache.Stamp

	names atomic.Pointer[refNames] // nil: not made yet
}

// refNames is what Redis knows a reference by.
type refNames struct {
	keys   []string // the entry's name, and those of its epochs; none: it is not in Redis
	epochs string   // as its header has them
}

var _ cache.EntryRef = (*entryRef)(nil)

// Ref refers to the entry of a key with that stamp. Names are made at the first Read.
func (s *Entries) Ref(key cache.Key, stamp cache.Stamp) cache.EntryRef {
	return &entryRef{entries: s, key: key, stamp: stamp}
}

// named are the names, made once or, by several at a time, alike.
func (s *entryRef) named() *refNames {
	if made := s.names.Load(); made != nil {
		return made
	}
	made := s.makeNames()
	s.names.Store(made)
	return made
}

// makeNames makes them; none where the entry is not in Redis.
func (s *entryRef) makeNames() *refNames {
	scopes, epochs := s.stamp.Shared()
	if len(scopes) < 2 || len(scopes) > codec.MaxEpochs || !s.stamp.Agreed() {
		return &refNames{} // it is not in Redis
	}
	keys := []string{s.entries.codec.Names.Root(scopes[0]).Entry(s.key)}
	var b []byte
	for i, scope := range scopes {
		keys, b = append(keys, s.entries.codec.Names.Epoch(scope)), append(b, epochs[i][:]...)
	}
	// They are parts of one string: reads touch all of them together.
	all := strings.Join(keys, "") + string(b)
	for i, key := range keys {
		keys[i], all = all[:len(key)], all[len(key):]
	}
	return &refNames{keys: keys, epochs: all}
}

// Read reads the entry and the epochs of all that it rests on, and opens it if they
// are the present ones. It fails with cache.ErrFleet.
func (s *entryRef) Read(ctx context.Context) (*cache.EntryView, error) {
	named, f := s.named(), s.entries
	if named.keys == nil {
		return nil, nil
	}
	a, err := f.reader.NewRequest(ctx, named.keys)
	if err == nil {
		err = a.Wait()
	}
	if err != nil {
		return nil, redisconn.Unavailable("read an entry again", err)
	}
	defer a.Release()
	if !named.epochsMatch(a.Values[1:]) || !codec.HeaderMatches(a.Values[0], named.epochs) {
		return nil, nil
	}
	g := entryViews.Get().(*entryView)
	if !g.open(f.codec.Seal, named.keys[0], a.Values[0], codec.HeaderFixed+len(named.epochs)) {
		f.codec.OpenFailed()
		g.Release()
		return nil, nil
	}
	return g.EntryView, nil
}

// epochsMatch reports whether the epochs that were read are those of the entry. A pending one is
// read as none.
func (s *refNames) epochsMatch(values [][]byte) bool {
	for i, value := range values {
		if string(value) != s.epochs[16*i:16*(i+1)] {
			return false
		}
	}
	return true
}

// entryView is an entry that was read, with the buffers that it needs.
type entryView struct {
	*cache.EntryView
	name, plain []byte
}

// entryViews holds views that were released, for use again.
var entryViews sync.Pool

func init() {
	entryViews.New = func() any {
		g := new(entryView)
		g.EntryView = cache.NewEntryView(func() {
			clear(g.plain)
			entryViews.Put(g)
		})
		return g
	}
}

// open opens a blob that stands under name, whose header has that size.
func (g *entryView) open(seal *codec.Seal, name string, blob []byte, header int) bool {
	g.name = append(append(g.name[:0], name...), blob[:header]...)
	var err error
	if g.plain, err = seal.OpenTo(g.plain[:0], blob[header:], g.name); err != nil {
		return false
	}
	_, _, ok := codec.CutEntry(g.plain, g.EntryView)
	return ok
}
