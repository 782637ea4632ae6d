// Package model is a second, plain reading of how identities behave
// (docs/cognito.md#identities), for tests: they put it beside an engine and compare. It
// shares nothing with the engine, so that a mistake is not made twice, and keeps
// everything in one list, so that it is easy to believe.
//
// A World is a value; an operation leaves it as it is and returns those that may
// follow. Where docs/cognito.md has no answer the model says what docs/fidelity.md says.
package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// State is an identity's state (docs/cognito.md#states), and one that only the model has.
type State string

// The states of an identity. Of a deleted one the model remembers that its id is
// taken.
const (
	Guest         State = "guest"
	Authenticated State = "authenticated"
	Disabled      State = "disabled"
	Deleted       State = "deleted"
)

// Login is a user of a provider.
type Login struct{ Provider, Subject string }

// Pool is what the model needs to know of a pool.
type Pool struct {
	ID        string
	Guests    bool   // AllowUnauthenticatedIdentities
	Classic   bool   // AllowClassicFlow
	Developer string // the name of the developer provider
}

// Identity is one identity.
type Identity struct {
	ID, Pool string
	State    State
	Logins   []Login
	Became   string // whom it was merged into; that one may have been merged since
}

// World is all identities of some pools.
type World struct {
	pools map[string]Pool
	// ages says that identities stand in the order in which they were made, so
	// that the eldest is known; else any may be the eldest.
	ages       bool
	identities []Identity
}

// New returns a world without identities. Where they are made one after another
// ages may be true; where they are made at once the order of their dates is not
// the order in which they take effect.
func New(ages bool, pools ...Pool) World {
	w := World{pools: map[string]Pool{}, ages: ages}
	for _, p := range pools {
		w.pools[p.ID] = p
	}
	return w
}

// Identities are all that ever were, in the order in which they were made.
func (w World) Identities() []Identity { return slices.Clone(w.identities) }

// Identity returns one by its id.
func (w World) Identity(id string) (Identity, bool) {
	n := w.index(id)
	if n < 0 {
		return Identity{}, false
	}
	return w.identities[n], w.identities[n].State != Deleted
}

// Known reports whether an id was ever given out.
func (w World) Known(id string) bool { return w.index(id) >= 0 }

// Owner is the identity that a login of a pool belongs to.
func (w World) Owner(pool string, l Login) (id string, ok bool) {
	for _, i := range w.identities {
		if i.Pool == pool && slices.Contains(i.Logins, l) {
			return i.ID, true
		}
	}
	return "", false
}

// Rename gives an identity another id, wherever it stands.
func (w World) Rename(from, to string) World {
	next := w.clone()
	for n := range next.identities {
		i := &next.identities[n]
		if i.ID == from {
			i.ID = to
		}
		if i.Became == from {
			i.Became = to
		}
	}
	return next
}

// Key spells the world: equal worlds have equal keys.
func (w World) Key() string {
	var lines []string
	for _, i := range w.identities {
		lines = append(lines, fmt.Sprint(i))
	}
	if !w.ages {
		slices.Sort(lines)
	}
	return strings.Join(lines, "\n")
}

// Providers are the names of the providers of which an identity has a login.
func (i Identity) Providers() []string {
	names := map[string]bool{}
	for _, l := range i.Logins {
		names[l.Provider] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Users are those of a provider who are linked to an identity.
func (i Identity) Users(provider string) []string {
	var users []string
	for _, l := range i.Logins {
		if l.Provider == provider {
			users = append(users, l.Subject)
		}
	}
	slices.Sort(users)
	return users
}

func (i Identity) has(l Login) bool { return slices.Contains(i.Logins, l) }

func (i Identity) hasAny(logins []Login) bool { return slices.ContainsFunc(logins, i.has) }

func (w World) index(id string) int {
	return slices.IndexFunc(w.identities, func(i Identity) bool { return i.ID == id })
}

func (w World) clone() World {
	w.identities = slices.Clone(w.identities)
	return w
}

// with returns the world with one identity changed, or added.
func (w World) with(i Identity) World {
	slices.SortFunc(i.Logins, func(a, b Login) int {
		return strings.Compare(a.Provider+"\n"+a.Subject, b.Provider+"\n"+b.Subject)
	})
	next := w.clone()
	if n := w.index(i.ID); n >= 0 {
		next.identities[n] = i
	} else {
		next.identities = append(next.identities, i)
	}
	return next
}
