package cognito

import (
	"context"
	"time"
)

// SignOut says that a user of a login provider signed out everywhere, or was removed there:
// what he proved himself by before counts no more.
type SignOut struct {
	Pool     string
	Provider string // its key in Logins
	Subject  string
	// NotBefore is when a login must have been authenticated at the earliest.
	NotBefore time.Time
}

// SignOutTaker is a backend that is told of sign-outs. Cognito is none: it asks its user pools
// itself.
type SignOutTaker interface {
	// SignOut has logins refused that are older, and the backend's own tokens that were made for
	// such. Of several for one user the latest counts. It fails with
	// ResourceNotFoundException for an unknown pool, and with InvalidParameterException for a
	// provider that the pool does not list, or whose logins do not tell when they were made.
	SignOut(ctx context.Context, s SignOut) error
}
