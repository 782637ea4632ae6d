package cognito

import (
	"context"
	"slices"
)

// Decider is a backend that can tell what a call would change before it is made. A
// backend behind a network cannot, and is none.
type Decider interface {
	// Decide decides a call that may change something: in points to the input of such
	// an operation, *cognitoidentity.GetIdInput and the like. It fails with the error
	// with which the operation would fail now, and tells what it would change where it
	// would not. It writes nothing, makes nothing, and costs no quota.
	//
	// Two things it cannot foresee: a refusal by an STS, and what changes until the
	// operation is called: another call may overtake it. UnlinkIdentity tells whether it changed
	// anything after all (see NoteUnchanged), and the others what they merged (see NoteMerged).
	//
	// It fails with Internal for an operation that changes nothing, and for what is no
	// input of one.
	Decide(ctx context.Context, in any) (Effect, error)
}

// Effect is what a call would change. The zero Effect changes nothing that any
// answer to another call rests on.
type Effect struct {
	// Pool is the pool that the identities are of, or whose settings change. Where
	// identities of several are deleted it is empty.
	Pool string
	// Identities are, each once and sorted, those that get or lose a login, lose or
	// survive a merge, are disabled or deleted.
	Identities []string
	// Logins are, each once and sorted, those that get, lose or change their identity.
	Logins []Login
	// Creates says that an identity or a pool is made.
	Creates bool
	// Reach is how far a change of the pool's settings goes.
	Reach Reach
}

// Changes reports whether something that is there changes, so that answers which
// rest on it must end. What is new has none.
func (e Effect) Changes() bool {
	return len(e.Identities) > 0 || len(e.Logins) > 0 || e.Reach != ReachNothing
}

// Login is a user of a login provider, as the provider's token names him.
type Login struct{ Provider, Subject string }

// Compare orders logins by provider and subject.
func (l Login) Compare(m Login) int {
	return slices.Compare([]string{l.Provider, l.Subject}, []string{m.Provider, m.Subject})
}

// Reach is how far a change of a pool's settings goes.
type Reach int

const (
	// ReachNothing is of labels, and of equal content: no user is answered otherwise.
	ReachNothing Reach = iota
	// ReachCredentials is of what credentials or tokens a user gets (roles, role mappings,
	// principal tags, whether there are guests or a classic flow): whose a login is
	// stays.
	ReachCredentials
	// ReachEverything is of whose a login is, too: login providers, or the whole pool.
	ReachEverything
)
