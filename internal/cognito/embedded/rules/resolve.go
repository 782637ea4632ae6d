package rules

import (
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Resolution is what a call does to identities.
type Resolution struct {
	// Identity is the one that the call is answered with; empty means that a
	// new one is to be made.
	Identity string
	// Merge lists the identities whose logins move to Identity, and which are
	// disabled for good.
	Merge []string
	// Link lists the logins of nobody that become linked to Identity.
	Link []Login
}

// Changes reports whether anything is to be written.
func (r Resolution) Changes() bool { return r.Identity == "" || len(r.Merge)+len(r.Link) > 0 }

// Facts are what the store knows of the identities that a call concerns: the one
// that it names, those that own a login of it, and the one that the named identity
// was merged into.
type Facts struct {
	// Owners maps each of the call's logins that is linked to its identity.
	Owners map[Login]string
	// Identities are those concerned, by id.
	Identities map[string]Identity
	// Linked are all logins of each of them.
	Linked map[string][]Login
}

// split sorts a call's logins by whose they are: the identity's own, nobody's,
// and, with their owners, others'.
func (f Facts) split(id string, asked []Login) (own, free []Login, foreign []Identity) {
	for _, l := range asked {
		switch owner, linked := f.Owners[l]; {
		case !linked:
			free = append(free, l)
		case owner == id:
			own = append(own, l)
		case !slices.ContainsFunc(foreign, func(i Identity) bool { return i.ID == owner }):
			foreign = append(foreign, f.Identities[owner])
		}
	}
	return own, free, foreign
}

// GuestAccess decides a call for an identity without logins: rows 2, 3 and 4 of
// docs/cognito.md#entering-an-identity, in that order.
func GuestAccess(p *Pool, id Identity) error {
	if !p.AllowGuests {
		return cognito.NotAuthorized(cognito.MsgGuestsNotAllowed)
	}
	if id.State != Guest {
		return cognito.AccessForbidden(id.ID)
	}
	return nil
}

// Resolve decides a call for an identity with at least one proven login: rows 5
// to 12 of docs/cognito.md#entering-an-identity.
func Resolve(p *Pool, id Identity, asked []Login, facts Facts) (Resolution, error) {
	own, free, foreign := facts.split(id.ID, asked)
	switch id.State {
	case Guest:
		if len(foreign) == 0 {
			return settle(p, id, nil, free, facts)
		}
		survivor, losers := eldest(foreign)
		return settle(p, survivor, append(losers, id), free, facts)
	case Authenticated:
		if len(own) == 0 {
			return Resolution{}, cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
		}
		return settle(p, id, foreign, free, facts)
	}
	if survivor, ok := facts.survivor(id); ok {
		if mine, _, _ := facts.split(survivor.ID, asked); len(mine) > 0 {
			return Resolve(p, survivor, asked, facts)
		}
	}
	return Resolution{}, cognito.AccessForbidden(id.ID)
}

// survivor is the identity that a disabled one was merged into. Some SDKs go on
// naming the id that they have, whatever id they are answered with; whoever
// proves a login of the survivor is answered with it (row 12, which is open).
func (f Facts) survivor(id Identity) (Identity, bool) {
	survivor, ok := f.Identities[id.MergedInto]
	return survivor, ok && id.State == Disabled && survivor.State == Authenticated
}

// ResolveNew decides GetId with at least one proven login (docs/cognito.md#getid). Logins
// of several identities merge those, as a call that names one of them would.
func ResolveNew(p *Pool, asked []Login, facts Facts) (Resolution, error) {
	_, free, owners := facts.split("", asked)
	if len(owners) == 0 {
		return Resolution{Link: asked}, nil
	}
	survivor, losers := eldest(owners)
	return settle(p, survivor, losers, free, facts)
}

// eldest picks who survives where the call names none of them: the identity that
// was made first has most data behind it. All calls choose the same.
func eldest(identities []Identity) (survivor Identity, losers []Identity) {
	all := slices.Clone(identities)
	slices.SortFunc(all, func(a, b Identity) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return compare(a.ID, b.ID)
	})
	return all[0], all[1:]
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// maxMerged bounds the logins of an identity that comes out of a merge
// (docs/cognito.md#merging).
const maxMerged = 20

// settle gives the survivor what the losers and nobody have. An identity has one
// login of each public provider (row 11), and any number of developer users.
func settle(p *Pool, survivor Identity, losers []Identity, free []Login, facts Facts) (Resolution, error) {
	if survivor.State != Guest && survivor.State != Authenticated {
		return Resolution{}, cognito.AccessForbidden(survivor.ID)
	}
	r := Resolution{Identity: survivor.ID, Link: free}
	all := slices.Clone(facts.Linked[survivor.ID])
	for _, loser := range losers {
		r.Merge = append(r.Merge, loser.ID)
		all = append(all, facts.Linked[loser.ID]...)
	}
	all = append(all, free...)
	if twoOfProvider(p, all) || len(losers) > 0 && len(all) > maxMerged {
		return Resolution{}, cognito.ResourceConflict(cognito.MsgAlreadyLinked)
	}
	return r, nil
}

func twoOfProvider(p *Pool, logins []Login) bool {
	seen := map[string]bool{}
	for _, l := range logins {
		if l.Provider == p.DeveloperProvider && p.DeveloperProvider != "" {
			continue
		}
		if seen[l.Provider] {
			return true
		}
		seen[l.Provider] = true
	}
	return false
}
