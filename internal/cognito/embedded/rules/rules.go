// Package rules holds what Amazon Cognito identity pools decide, on plain
// values: who may use an identity, which logins become linked, which role is
// assumed. It knows no clock, no store and no wire; its refusals are the
// service's own errors with the service's texts (cognito).
package rules

import "time"

// State is an identity's state (docs/cognito.md#states). The zero State permits nothing.
type State uint8

// The states of an identity.
const (
	// Guest: no login was ever linked; the id alone is the proof.
	Guest State = 1
	// Authenticated: every call needs a login of this identity.
	Authenticated State = 2
	// Disabled: lost a merge or its last login; for good.
	Disabled State = 3
)

// Identity is one identity of a pool.
type Identity struct {
	ID       string
	Pool     string
	State    State
	Created  time.Time
	Modified time.Time
	// MergedInto is the identity that has the logins of a disabled one that lost
	// a merge, at the end of all merges since; empty otherwise.
	MergedInto string
}

// Login is a user of a provider, as the provider names both.
type Login struct {
	Provider string // key in Logins; the developer provider's name for a backend's own user
	Subject  string
}
