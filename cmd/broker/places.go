package main

import (
	"context"

	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
	"github.com/cognito-broker/broker/internal/flows"
)

var (
	_ flows.Directory  = (*sharedDirectory)(nil)
	_ upstream.Watcher = placeTeller{}
)

// sharedDirectory is what a broker knows of upstream's identities, and what the other
// brokers of its fleet learnt of those that it has not met.
type sharedDirectory struct {
	*upstream.Directory
	places *fleet.Identities
}

// share lets the fleet hear what the backend's directory learns, and learn from it.
func (b *backend) share(places *fleet.Identities) {
	b.learns.Watch(placeTeller{places})
	b.directory = &sharedDirectory{Directory: b.learns, places: places}
	b.run = append(b.run, places.Run)
}

// Identity asks the fleet about an identity that is not known here. Where that cannot
// be asked, the identity is not known.
func (d *sharedDirectory) Identity(ctx context.Context, id string) (pool string, mayLink, ok bool, err error) {
	if pool, mayLink, ok, err = d.Directory.Identity(ctx, id); ok || err != nil {
		return pool, mayLink, ok, err
	}
	if place, found, err := d.places.Find(ctx, id); err == nil && found {
		d.Recall(id, place.Pool, place.Authenticated)
	}
	return d.Directory.Identity(ctx, id)
}

// placeTeller tells the fleet.
type placeTeller struct{ places *fleet.Identities }

func (t placeTeller) Learned(id, pool string, authenticated bool) bool {
	return t.places.Learn(id, fleet.IdentityFacts{Pool: pool, Authenticated: authenticated})
}

func (t placeTeller) Forgot(id string) { t.places.Forget(id) }
