package upstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/maypok86/otter/v2"
)

const (
	defaultMaxIdentities = 200_000
	// memory is how long an answer is believed. Pools and identities end without
	// our hearing of it; upstream refuses them then, and we forget.
	memory = 30 * 24 * time.Hour
)

// Directory is what the broker knows of upstream's identities: only what
// upstream itself told in an answer that ties an identity to its pool, never
// what a request said. It forgets after 30 days, or earlier when it is full. It
// is safe for concurrent use.
type Directory struct {
	identities *otter.Cache[string, identity]
	owners     *otter.Cache[user, []owner] // the latest first
	mapped     map[string][]string         // claims by pool
	now        func() time.Time
	watch      Watcher // nil: nobody
}

// Watcher hears what a Directory learns and forgets of identities. Its methods are
// called under a lock, and return at once.
type Watcher interface {
	// Learned reports whether it took note.
	Learned(id, pool string, authenticated bool) bool
	Forgot(id string)
}

// Watch lets w hear what is learnt from now on: what is new at once, and what upstream
// says again at most every ten minutes. Call it before the Directory is used.
func (d *Directory) Watch(w Watcher) { d.watch = w }

// Recall notes what another Directory of the same upstream learnt.
func (d *Directory) Recall(id, pool string, authenticated bool) {
	d.note(id, pool, authenticated, nil)
}

// user is a login, in any pool. Of providers and of pools there are few: their names stand once.
type user struct {
	provider unique.Handle[string]
	subject  string
}

// owner is an identity that answers told a login to belong to.
type owner struct {
	id   string
	told int64 // when the last did, in Unix nanoseconds, to a minute
}

// identity is what is known of one. authenticated false means guest or not known.
type identity struct {
	place         unique.Handle[string] // its pool
	learned, told int64                 // Unix nanoseconds; told: to the Watcher
	authenticated bool
}

func (i identity) pool() string { return i.place.Value() }

// tellAgain is how long after an identity was told it is told again, should it have
// been lost on the way.
const tellAgain = 10 * time.Minute

func newDirectory(limit int, now func() time.Time, mapped map[string][]string) (*Directory, error) {
	if limit == 0 {
		limit = defaultMaxIdentities
	}
	if now == nil {
		now = time.Now
	}
	identities, err := otter.New(&otter.Options[string, identity]{MaximumSize: limit})
	if err != nil {
		return nil, fmt.Errorf("make the directory of identities: %w", err)
	}
	owners, err := otter.New(&otter.Options[user, []owner]{MaximumSize: limit})
	if err != nil {
		return nil, fmt.Errorf("make the directory of logins: %w", err)
	}
	return &Directory{identities: identities, owners: owners, mapped: mapped, now: now}, nil
}

// Identity tells the pool of an identity, and whether a login that comes with it
// may be linked to it: a guest's may, and one's that is not known to be
// authenticated. ok is false for an identity that upstream told nothing of. err
// is always nil.
func (d *Directory) Identity(_ context.Context, id string) (pool string, mayLink, ok bool, err error) {
	known, ok := d.find(id)
	if !ok {
		return "", true, false, nil
	}
	return known.pool(), !known.authenticated, true, nil
}

// maxOwners is how many owners of a login are remembered. It has one in each pool, and
// answers may be noted in another order than they were given: the last noted need not
// be the present one.
const maxOwners = 16

// Owners tells which identities a login was lately seen to belong to, in any pool. It
// guards no access: what it tells is fenced, once too often where it is out of date.
func (d *Directory) Owners(_ context.Context, _, provider, subject string) ([]string, error) {
	owners, _ := d.owners.GetIfPresent(user{unique.Make(provider), subject})
	ids := make([]string, len(owners))
	for i, o := range owners {
		ids[i] = o.id
	}
	return ids, nil
}

const (
	// formerAfter is how long after an answer named an owner another answer, which names another
	// one in the same pool or none, says that the login has left it: longer than any answer takes
	// from upstream to here.
	formerAfter = 10 * time.Minute
	// ownerToldAgain is how often it is noted that answers still name an owner.
	ownerToldAgain = time.Minute
)

// Disowns notes that an answer told that a login does not belong to an identity. One that an answer
// named as its owner less than ten minutes ago stays: which of the two was given first is not known.
func (d *Directory) Disowns(provider, subject, id string) {
	former := d.now().Add(-formerAfter).UnixNano()
	d.owners.ComputeIfPresent(user{unique.Make(provider), subject}, func(old []owner) ([]owner, otter.ComputeOp) {
		rest := slices.DeleteFunc(slices.Clone(old), func(o owner) bool { return o.id == id && o.told <= former })
		switch len(rest) {
		case len(old):
			return old, otter.CancelOp
		case 0:
			return nil, otter.InvalidateOp
		}
		return rest, otter.WriteOp
	})
}

// Owns notes which identity an answer told a login to belong to. So the identity is of
// the pool, and no guest's. An owner in the same pool that no answer has named for ten minutes is
// forgotten: a login has one in each pool.
func (d *Directory) Owns(pool, provider, subject, id string) {
	id = strings.Clone(id)
	who := user{unique.Make(provider), strings.Clone(subject)}
	now := d.now().UnixNano()
	d.owners.Compute(who, func(old []owner, found bool) ([]owner, otter.ComputeOp) {
		if found && old[0].id == id && now-old[0].told < int64(ownerToldAgain) {
			return old, otter.CancelOp
		}
		others := slices.DeleteFunc(slices.Clone(old), func(o owner) bool {
			return o.id == id || now-o.told >= int64(formerAfter) && d.isOf(o.id, pool)
		})
		return append([]owner{{id, now}}, others[:min(len(others), maxOwners-1)]...), otter.WriteOp
	})
	d.noteKept(id, pool, true, d.watch)
}

func (d *Directory) find(id string) (identity, bool) {
	known, ok := d.identities.GetIfPresent(id)
	if !ok || d.now().UnixNano()-known.learned >= int64(memory) {
		return identity{}, false
	}
	return known, true
}

// isOf reports whether an identity is known to be of a pool.
func (d *Directory) isOf(id, pool string) bool {
	of, known := d.pool(id)
	return known && of == pool
}

func (d *Directory) pool(id string) (string, bool) {
	known, ok := d.find(id)
	if !ok {
		return "", false
	}
	return known.pool(), true
}

// learn notes that upstream tied an identity to a pool. It never becomes a guest
// again, so what is known of that stays. An id of another region than its pool's
// is none that upstream makes.
func (d *Directory) learn(id, pool string, authenticated bool) {
	d.note(id, pool, authenticated, d.watch)
}

// note is learn, which w hears.
func (d *Directory) note(id, pool string, authenticated bool, w Watcher) {
	// The id may be part of a request, whose bytes may be reused.
	d.noteKept(strings.Clone(id), pool, authenticated, w)
}

// noteKept is note for an id whose bytes nobody reuses.
func (d *Directory) noteKept(id, pool string, authenticated bool, w Watcher) {
	if !sameRegion(id, pool) {
		return
	}
	now := d.now().UnixNano()
	known := identity{place: unique.Make(pool), authenticated: authenticated, learned: now}
	d.identities.Compute(id, func(old identity, found bool) (identity, otter.ComputeOp) {
		if found && old.place == known.place {
			known.authenticated = known.authenticated || old.authenticated
			if known.authenticated == old.authenticated {
				known.told = old.told
			}
		}
		if w != nil && now-known.told >= int64(tellAgain) && w.Learned(id, known.pool(), known.authenticated) {
			known.told = now
		}
		return known, otter.WriteOp
	})
}

// answeredFor notes an answer that names no pool: for the identity asked, or for
// the one that it was merged into. A merge stays within its pool, so the pool of
// one is that of the other; where it is not known, nothing is learnt.
func (d *Directory) answeredFor(asked, id string, authenticated bool) {
	if pool, ok := d.pool(asked); ok {
		d.learn(id, pool, authenticated)
	}
}

// refused forgets an identity that upstream does not have, and returns err. A
// refusal of the broker's own says nothing about the identity.
func (d *Directory) refused(id string, err error) error { return d.refusedIn("", id, err) }

// refusedIn is refused for a call that names a pool beside the identity. That it does not
// exist there says nothing of one that is known to be of another.
func (d *Directory) refusedIn(pool, id string, err error) error {
	if known, ok := d.identities.GetIfPresent(id); ok && pool != "" && known.pool() != pool {
		return err
	}
	if told, ok := errors.AsType[*answered](err); ok {
		if _, gone := errors.AsType[*types.ResourceNotFoundException](told.err); gone {
			d.forget(id)
		}
	}
	return err
}

// forget forgets an identity. Of one that was not known, nobody is told.
func (d *Directory) forget(id string) {
	if _, known := d.identities.Invalidate(id); known && d.watch != nil {
		d.watch.Forgot(id)
	}
}

// forgetPool forgets the identities of a pool. It looks at all that are known.
func (d *Directory) forgetPool(pool string) {
	place := unique.Make(pool)
	for id, known := range d.identities.All() {
		if known.place == place {
			d.forget(id)
		}
	}
}
