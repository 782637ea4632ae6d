package fleet

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache"
)

// Place is what a backend's answers told of an identity.
type Place struct {
	Pool string
	// Authenticated says that a login was linked to it; false: guest or not known.
	Authenticated bool
}

const (
	// placeLife is how long a place is remembered since it was told last.
	placeLife = 30 * 24 * time.Hour
	// maxPlaces bounds those that wait to be written; more are not remembered.
	maxPlaces = 4096
	// placesAtOnce is how many are written in one round trip.
	placesAtOnce = 128
)

// Places are the places of identities that the fleet remembers. What is told is
// written behind the teller, who never waits. It is safe for concurrent use.
type Places struct {
	fleet *Fleet
	told  chan told
}

// told is something new: a place, or that there is none any more.
type told struct {
	id    string
	place Place
	gone  bool
}

// Places returns the fleet's. Its Run writes what is told.
func (f *Fleet) Places() *Places {
	return &Places{fleet: f, told: make(chan told, maxPlaces)}
}

// place names an identity's place.
func (n names) place(id string) string {
	return "b:{" + n.tag(cache.IdentityScope(id)) + "}:p"
}

// Find looks for the place of an identity. It fails with cache.ErrFleet.
func (p *Places) Find(ctx context.Context, id string) (place Place, ok bool, err error) {
	name := p.fleet.names.place(id)
	values, err := p.fleet.reader.get(ctx, []string{name})
	if err != nil {
		return Place{}, false, unavailable("read a place", err)
	}
	if values[0] == "" {
		return Place{}, false, nil
	}
	plain, err := p.fleet.seal.Open([]byte(values[0]), name)
	if err != nil || len(plain) < 1 {
		p.fleet.observe.Sealed()
		return Place{}, false, nil
	}
	return Place{Pool: string(plain[1:]), Authenticated: plain[0] == 1}, true, nil
}

// Learn notes an identity's place, and reports whether it could: too many may wait to
// be written.
func (p *Places) Learn(id string, place Place) bool {
	place.Pool = strings.Clone(place.Pool)
	return p.tell(told{id: strings.Clone(id), place: place})
}

// Forget notes that there is no such identity, if it can.
func (p *Places) Forget(id string) { p.tell(told{id: strings.Clone(id), gone: true}) }

func (p *Places) tell(t told) bool {
	select {
	case p.told <- t:
		return true
	default:
		return false
	}
}

// Run writes what is told until ctx ends. What waits then is lost.
func (p *Places) Run(ctx context.Context) error {
	for {
		select {
		case t := <-p.told:
			within, cancel := context.WithTimeout(ctx, placesWithin)
			p.write(within, p.gather(t))
			cancel()
		case <-ctx.Done():
			return nil
		}
	}
}

// gather adds to the first what else was told meanwhile.
func (p *Places) gather(first told) []told {
	all := []told{first}
	for len(all) < placesAtOnce {
		select {
		case t := <-p.told:
			all = append(all, t)
		default:
			return all
		}
	}
	return all
}

// placesWithin bounds a write.
const placesWithin = 2 * time.Second

// write writes places. What fails is lost until it is told again. What is not known
// to be authenticated replaces nothing, for that may be.
func (p *Places) write(ctx context.Context, all []told) {
	_, _ = p.fleet.redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, t := range all {
			name := p.fleet.names.place(t.id)
			switch {
			case t.gone:
				pipe.Del(ctx, name)
			case t.place.Authenticated:
				pipe.Set(ctx, name, p.seal(name, t.place), placeLife)
			default:
				pipe.SetNX(ctx, name, p.seal(name, t.place), placeLife)
				pipe.PExpire(ctx, name, placeLife)
			}
		}
		return nil
	})
}

func (p *Places) seal(name string, place Place) []byte {
	plain := []byte{0}
	if place.Authenticated {
		plain[0] = 1
	}
	return p.fleet.seal.Seal(nil, append(plain, place.Pool...), name)
}
