package fleet

import (
	"context"
	"strings"
	"sync"

	"github.com/cognito-broker/broker/internal/cache"
)

// spot is where an entry stands, and the epochs that it rests on.
type spot struct {
	fleet *Fleet
	key   cache.Key
	stamp cache.Stamp

	once   sync.Once
	keys   []string // the entry's name, and those of its epochs
	epochs string   // as its header has them
}

var _ cache.Spot = (*spot)(nil)

// Spot is where the entry of a key stands whose stamp is that. Names are made when
// it is looked at first.
func (f *Fleet) Spot(key cache.Key, stamp cache.Stamp) cache.Spot {
	return &spot{fleet: f, key: key, stamp: stamp}
}

// name makes the names.
func (s *spot) name() {
	scopes, epochs := s.stamp.Shared()
	if len(scopes) < 2 || len(scopes) > maxEpochs || !s.stamp.Agreed() {
		return // it stands nowhere
	}
	keys := []string{s.fleet.names.of("c", scopes[0], s.key)}
	var b []byte
	for i, scope := range scopes {
		keys, b = append(keys, s.fleet.names.epoch(scope)), append(b, epochs[i][:]...)
	}
	// All stand together, as they are read.
	all := strings.Join(keys, "") + string(b)
	for i, key := range keys {
		keys[i], all = all[:len(key)], all[len(key):]
	}
	s.keys, s.epochs = keys, all
}

// Look reads the entry and the epochs of all that it rests on, and opens it if they
// are the present ones. It fails with cache.ErrFleet.
func (s *spot) Look(ctx context.Context) (*cache.Glimpse, error) {
	if s.once.Do(s.name); s.keys == nil {
		return nil, nil
	}
	f := s.fleet
	a, err := f.reader.ask(ctx, s.keys)
	if err == nil {
		err = a.wait()
	}
	if err != nil {
		return nil, unavailable("look at an entry", err)
	}
	defer a.release()
	if !s.present(a.values[1:]) || !s.rests(a.values[0]) {
		return nil, nil
	}
	g := glimpses.Get().(*glimpse)
	if !g.open(f.seal, s.keys[0], a.values[0], headerFixed+len(s.epochs)) {
		f.observe.Sealed()
		g.Release()
		return nil, nil
	}
	return g.Glimpse, nil
}

// present reports whether the epochs that were read are those of the entry. A
// pending one is read as none.
func (s *spot) present(values [][]byte) bool {
	for i, value := range values {
		if string(value) != s.epochs[16*i:16*(i+1)] {
			return false
		}
	}
	return true
}

// rests reports whether the header of a blob has those epochs, and no others.
func (s *spot) rests(blob []byte) bool {
	size := headerFixed + len(s.epochs)
	return len(blob) > size && blob[0] == entryVersion && int(blob[1]) == len(s.epochs)/16 && string(blob[headerFixed:size]) == s.epochs
}

// glimpse is what one look has seen, with the buffers that it needs.
type glimpse struct {
	*cache.Glimpse
	name, plain []byte
}

// glimpses holds those that were released, for use again.
var glimpses sync.Pool

func init() {
	glimpses.New = func() any {
		g := new(glimpse)
		g.Glimpse = cache.NewGlimpse(func() {
			clear(g.plain)
			glimpses.Put(g)
		})
		return g
	}
}

// open opens a blob that stands under name, whose header has that size.
func (g *glimpse) open(seal *Seal, name string, blob []byte, header int) bool {
	g.name = append(append(g.name[:0], name...), blob[:header]...)
	var err error
	if g.plain, err = seal.OpenTo(g.plain[:0], blob[header:], g.name); err != nil {
		return false
	}
	_, _, ok := cutEntry(g.plain, g.Glimpse)
	return ok
}
