package main

import (
	"fmt"
	"slices"
	"sync"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// sharedCalls are what befalls the persons whom all clients call for: nothing is
// unlinked or deleted.
var sharedCalls = []string{
	"GetId", "GetCredentialsForIdentity", "GetCredentialsForIdentity", "GetOpenIdTokenForDeveloperIdentity", "MergeDeveloperIdentities",
}

// sharedTime is the number of calls after which all go on to the next person.
const sharedTime = 48

// callForAll makes a call for the person whom all clients call for at this time.
func (s *storm) callForAll(called int) {
	n := called / sharedTime
	d := deck{
		pool: s.pool, idps: s.idps, names: sharedCalls, subjects: []string{fmt.Sprintf("shared%d", n)},
		users: []string{fmt.Sprintf("shared%d-a", n), fmt.Sprintf("shared%d-b", n)},
	}
	op := d.draw(s.bonds.told(n))
	if op.Name == "MergeDeveloperIdentities" {
		op.Identity, op.User, op.Into = "", d.users[0], d.users[1]
	}
	a, ok := s.call(op)
	if !ok {
		return
	}
	switch a.Code {
	case "":
		s.bonds.note(n, op, a, s.caller.Developer)
	case "NotAuthorizedException", "ResourceNotFoundException", "DeveloperUserAlreadyRegisteredException":
	default: // the person's logins never stand in each other's way
		s.Errorf("%+v: got %v, want success, or a refusal for want of a link", op, a)
	}
}

// bonds are what was acknowledged of the shared persons: an answer bonds the
// logins and identities of its call to each other, wherever they are merged to.
type bonds struct {
	mu      sync.Mutex
	persons map[int]*person
}

type person struct {
	ids   []string // that were told
	bonds []bond
}

// bond holds logins, and ids of identities, that belong together for good.
type bond map[any]bool

func (b *bonds) person(n int) *person {
	if b.persons == nil {
		b.persons = map[int]*person{}
	}
	if b.persons[n] == nil {
		b.persons[n] = &person{}
	}
	return b.persons[n]
}

func (b *bonds) told(n int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.person(n).ids)
}

// note bonds what an answer says.
func (b *bonds) note(n int, op model.Op, a model.Answer, developer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, together := b.person(n), bond{}
	if !slices.Contains(p.ids, a.Identity) {
		p.ids = append(p.ids, a.Identity)
	}
	for _, l := range op.Logins {
		together[l] = true
	}
	for _, user := range []string{op.User, op.Into} {
		if user != "" {
			together[model.Login{Provider: developer, Subject: user}] = true
		}
	}
	if len(together) == 0 {
		return // a guest
	}
	for _, id := range []string{op.Identity, a.Identity} {
		if id != "" {
			together[id] = true
		}
	}
	p.bonds = slices.DeleteFunc(p.bonds, func(other bond) bool { return together.join(other) })
	p.bonds = append(p.bonds, together)
}

// join takes in a bond that has something in common.
func (b bond) join(other bond) bool {
	for one := range other {
		if b[one] {
			for all := range other {
				b[all] = true
			}
			return true
		}
	}
	return false
}

// hold fails unless every bond is of one identity, which lives.
func (b *bonds) hold(tx *store.Tx, pool string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, p := range b.persons {
		for _, together := range p.bonds {
			owners := map[string]bool{}
			for one := range together {
				owner, err := ownerOf(tx, pool, one)
				if err != nil {
					return err
				}
				owners[owner] = true
			}
			if len(owners) != 1 || owners[""] {
				return fmt.Errorf("shared person %d: got the owners %v of %v, want one", n, owners, together)
			}
		}
	}
	return nil
}

// ownerOf is the identity that a login belongs to, or that an identity became; it
// is empty where there is none that lives.
func ownerOf(tx *store.Tx, pool string, one any) (id string, err error) {
	id, known := one.(string)
	if l, ok := one.(model.Login); ok {
		id, known, err = tx.Owner(pool, rules.Login(l))
	}
	for hops := 0; known && err == nil && hops < 2; hops++ {
		var identity rules.Identity
		identity, known, err = tx.Identity(id)
		if identity.State == rules.Authenticated {
			return id, err
		}
		id = identity.MergedInto
	}
	return "", err
}
