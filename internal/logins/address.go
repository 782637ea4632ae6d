package logins

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Allowance bounds how many tokens that nobody here knows a client's address may bring. It is
// safe for concurrent use.
type Allowance interface {
	// Take takes a permit of an address. Where it has none left, wait is how long until one
	// comes back, and otherwise zero.
	Take(address string) (wait time.Duration)
	// Return gives a permit back.
	Return(address string)
}

// addressName is the context key of a client's address.
type addressName struct{}

// WithAddress puts the address of the client that a login comes from into the context of
// whoever has it proved, as limits count clients. Without one, or with an empty one, no limit
// by address applies.
func WithAddress(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, addressName{}, address)
}

func addressOf(ctx context.Context) string {
	address, _ := ctx.Value(addressName{}).(string)
	return address
}

var errLimited = errors.New("the client's address has brought too many tokens lately that prove nothing")

// Limited says that a provider was not asked about a token, for the client's address has brought
// too many lately that proved nothing, or brings too many at once. It says nothing about the token, and
// passes. Whoever does not tell the two apart finds it to be an *Unavailable.
type Limited struct {
	Provider string
	Wait     time.Duration // until one may be tried again
	cause    error
}

func (l *Limited) Error() string {
	return fmt.Sprintf("login provider %s was not asked: %v", l.Provider, l.cause)
}

// Unwrap returns an *Unavailable.
func (l *Limited) Unwrap() error { return &Unavailable{Provider: l.Provider, cause: l.cause} }

// noLimit is where no limit is configured.
type noLimit struct{}

func (noLimit) Take(string) time.Duration { return 0 }
func (noLimit) Return(string)             {}
