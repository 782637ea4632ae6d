package registry

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cognito-broker/broker/internal/cache/fleet/codec"
	"github.com/cognito-broker/broker/internal/cache/fleet/pipeline"
	"github.com/cognito-broker/broker/internal/cache/fleet/redisconn"
)

// IdentityFacts is what a backend's answers told of an identity.
type IdentityFacts struct {
	Pool string
	// Authenticated says that a login was linked to it; false: guest or not known.
	Authenticated bool
}

const (
	// identityLife is how long facts are remembered since they were learnt last.
	identityLife = 30 * 24 * time.Hour
	// maxIdentityNews bounds what waits to be written; more is not remembered.
	maxIdentityNews = 4096
	// identitiesAtOnce is how many are written in one round trip.
	identitiesAtOnce = 128
)

// Identities are the facts about identities that the fleet remembers. What is learnt is written
// in the background. It is safe for concurrent use.
type Identities struct {
	redis  redisconn.Client
	codec  *codec.Codec
	reader *pipeline.Reader
	news   chan identityNews
}

// identityNews is what was learnt of an identity: facts, or that it was deleted.
type identityNews struct {
	id      string
	facts   IdentityFacts
	deleted bool
}

// NewIdentities makes those of a fleet. Run writes what is learnt.
func NewIdentities(c redisconn.Client, k *codec.Codec, r *pipeline.Reader) *Identities {
	return &Identities{redis: c, codec: k, reader: r, news: make(chan identityNews, maxIdentityNews)}
}

// Find reads the facts about an identity. It fails with cache.ErrFleet.
func (p *Identities) Find(ctx context.Context, id string) (place IdentityFacts, ok bool, err error) {
	name := p.codec.Names.Identity(id)
	values, err := p.reader.Get(ctx, []string{name})
	if err != nil {
		return IdentityFacts{}, false, redisconn.Unavailable("read a place", err)
	}
	if values[0] == "" {
		return IdentityFacts{}, false, nil
	}
	plain, err := p.codec.Seal.Open([]byte(values[0]), name)
	if err != nil || len(plain) < 1 {
		p.codec.OpenFailed()
		return IdentityFacts{}, false, nil
	}
	return IdentityFacts{Pool: string(plain[1:]), Authenticated: plain[0] == 1}, true, nil
}

// Learn has facts about an identity written, and reports whether it could: too many may wait.
func (p *Identities) Learn(id string, place IdentityFacts) bool {
	place.Pool = strings.Clone(place.Pool)
	return p.enqueue(identityNews{id: strings.Clone(id), facts: place})
}

// Forget has the facts about an identity that was deleted removed, if it can.
func (p *Identities) Forget(id string) { p.enqueue(identityNews{id: strings.Clone(id), deleted: true}) }

func (p *Identities) enqueue(t identityNews) bool {
	select {
	case p.news <- t:
		return true
	default:
		return false
	}
}

// Run writes what is learnt until ctx ends. What waits then is lost.
func (p *Identities) Run(ctx context.Context) error {
	for {
		select {
		case t := <-p.news:
			within, cancel := context.WithTimeout(ctx, identitiesWithin)
			p.write(within, p.gather(t))
			cancel()
		case <-ctx.Done():
			return nil
		}
	}
}

// gather adds to the first what else waits.
func (p *Identities) gather(first identityNews) []identityNews {
	all := []identityNews{first}
	for len(all) < identitiesAtOnce {
		select {
		case t := <-p.news:
			all = append(all, t)
		default:
			return all
		}
	}
	return all
}

// identitiesWithin bounds a write.
const identitiesWithin = 2 * time.Second

// write writes what was learnt. What fails is lost until it is learnt again. Facts that do not say
// "authenticated" replace none, for those may.
func (p *Identities) write(ctx context.Context, all []identityNews) {
	_, _ = p.redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, t := range all {
			name := p.codec.Names.Identity(t.id)
			switch {
			case t.deleted:
				pipe.Del(ctx, name)
			case t.facts.Authenticated:
				pipe.Set(ctx, name, p.seal(name, t.facts), identityLife)
			default:
				pipe.SetNX(ctx, name, p.seal(name, t.facts), identityLife)
				pipe.PExpire(ctx, name, identityLife)
			}
		}
		return nil
	})
}

func (p *Identities) seal(name string, place IdentityFacts) []byte {
	plain := []byte{0}
	if place.Authenticated {
		plain[0] = 1
	}
	return p.codec.Seal.Seal(nil, append(plain, place.Pool...), name)
}
