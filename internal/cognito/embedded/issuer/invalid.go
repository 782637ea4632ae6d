package issuer

import "time"

// Reason is why a token is refused.
type Reason int

// Reasons, in the order in which Verify looks.
const (
	Malformed  Reason = iota // no token, or one that says nothing or nonsense
	Unverified               // signed by no key of ours, or in no way of ours
	Foreign                  // by our key, for another issuer
	Expired                  // ours, and over
)

func (r Reason) String() string {
	switch r {
	case Unverified:
		return "not signed by a key of this issuer"
	case Foreign:
		return "of another issuer"
	case Expired:
		return "expired"
	default:
		return "malformed"
	}
}

// Invalid refuses a token. It and its cause say nothing of what the token holds.
type Invalid struct {
	Reason  Reason
	Expired time.Time // exp, where Reason is Expired
	cause   error
}

// Error gives the reason.
func (e *Invalid) Error() string { return "the token is " + e.Reason.String() }

// Unwrap gives the detail for the log; it may be nil.
func (e *Invalid) Unwrap() error { return e.cause }
