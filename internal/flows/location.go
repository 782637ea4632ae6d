package flows

import (
	"context"
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
)

// location is what is known of the identity that a call names.
type location struct {
	pool    string
	mayLink bool // a login that comes with it may become linked
	known   bool
}

// locate finds the identity's pool. An identity of another pool than the path
// names, or than the broker serves, does not exist here.
func (c *Config) locate(ctx context.Context, id string) (location, error) {
	pool, mayLink, known, err := c.Directory.Identity(ctx, id)
	if err != nil {
		return location{}, err
	}
	if !known {
		return location{mayLink: true}, nil
	}
	named := callInfoOf(ctx).Pool
	if (named != "" && named != pool) || !c.serves(pool) {
		return location{}, cognito.IdentityNotFound(id)
	}
	return location{pool: pool, mayLink: mayLink, known: true}, nil
}

func (c *Config) serves(pool string) bool {
	return len(c.Pools) == 0 || slices.Contains(c.Pools, pool)
}

// locateKnown is locate where the answer must be of a served pool, and a token may not be
// asked for: an identity that nobody has met since the start does not exist then.
func (c *Config) locateKnown(ctx context.Context, id string) (location, error) {
	loc, err := c.locate(ctx, id)
	if err == nil && !loc.known && len(c.Pools) > 0 {
		err = cognito.IdentityNotFound(id)
	}
	return loc, err
}

// links reports whether a call with these logins may link one to the identity.
func (loc location) links(logins map[string]string) bool {
	if _, own := logins[cognito.PassThrough]; own && len(logins) == 1 {
		return false
	}
	return len(logins) > 1 || len(logins) == 1 && loc.mayLink
}
