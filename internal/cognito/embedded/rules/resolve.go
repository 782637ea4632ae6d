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
	// Link lists the logins that become linked to it.
	Link []Login
}

// Facts are what the store knows of a call's logins.
type Facts struct {
	// Linked are all logins of the asked identity.
	Linked []Login
	// Owners maps each of the call's logins that is linked to its identity.
	Owners map[Login]string
}

// split sorts a call's logins by whose they are: the identity's own, nobody's,
// and whether any is somebody else's.
func (f Facts) split(id string, asked []Login) (own, free []Login, foreign bool) {
	for _, l := range asked {
		switch owner, linked := f.Owners[l]; {
		case !linked:
			free = append(free, l)
		case owner == id:
			own = append(own, l)
		default:
			foreign = true
		}
	}
	return own, free, foreign
}

// GuestAccess decides a call for an identity without logins: rows 2, 3 and 4 of
// reference 3.3, in that order.
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
// to 12 of reference 3.3. What would merge two identities (rows 8 and 9) is a
// ResourceConflictException.
func Resolve(id Identity, asked []Login, facts Facts) (Resolution, error) {
	own, free, foreign := facts.split(id.ID, asked)
	switch id.State {
	case Guest:
		if foreign {
			return Resolution{}, cognito.ResourceConflict(cognito.MsgAlreadyLinked)
		}
		return Resolution{Identity: id.ID, Link: free}, nil
	case Authenticated:
		if len(own) == 0 {
			return Resolution{}, cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
		}
		if foreign || secondOfProvider(free, facts.Linked) {
			return Resolution{}, cognito.ResourceConflict(cognito.MsgAlreadyLinked)
		}
		return Resolution{Identity: id.ID, Link: free}, nil
	default:
		return Resolution{}, cognito.AccessForbidden(id.ID)
	}
}

// ResolveNew decides GetId with at least one proven login (reference 3.4).
// owner is the identity that owns some of the logins, with all its logins in
// facts; it is nil when nobody owns any.
func ResolveNew(asked []Login, owner *Identity, facts Facts) (Resolution, error) {
	if owner == nil {
		return Resolution{Link: asked}, nil
	}
	return Resolve(*owner, asked, facts)
}

// secondOfProvider reports whether linking free would give an identity two
// logins of one provider (row 11).
func secondOfProvider(free, linked []Login) bool {
	return slices.ContainsFunc(free, func(f Login) bool {
		return slices.ContainsFunc(linked, func(l Login) bool { return l.Provider == f.Provider })
	})
}
