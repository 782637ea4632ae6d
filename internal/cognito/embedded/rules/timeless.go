package rules

import (
	"time"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Refusals of sign-outs, which would lock a user out: at a provider whose logins are Timeless, and of
// a time that lies more than MaxAhead ahead.
const (
	MsgTimeless = "Logins of the provider do not say when their user authenticated himself."
	MsgAhead    = "notBefore lies ahead."
	// MaxAhead is the skew of clocks.
	MaxAhead = 5 * time.Minute
)

// Timeless reports whether a provider's logins do not tell when they were made. A sign-out of a
// user would refuse them for ever.
func Timeless(provider string) bool {
	kind, _ := loginkey.KindOf(provider)
	return kind.Opaque()
}
