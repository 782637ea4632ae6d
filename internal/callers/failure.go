package callers

import (
	"fmt"
	"time"
)

// Failure is how somebody failed to prove that he is a caller. Its texts are labels
// of metrics.
type Failure string

// The failures. A request that brings no proof at all is none of them, and neither
// is a signature of another time: clocks differ, and clients set theirs by the
// answer.
const (
	WrongAPIKey    Failure = "api_key"    // no caller's
	WrongAccessKey Failure = "access_key" // no caller's, and no session's
	WrongSignature Failure = "signature"  // not by the secret to its access key, or malformed
)

// Failures are all of them.
func Failures() []Failure { return []Failure{WrongAPIKey, WrongAccessKey, WrongSignature} }

// Failed is told of each failure with the client's address, and returns zero, or how
// long that address has failed too often for. It is safe for concurrent use.
type Failed func(address string, what Failure) (wait time.Duration)

// TooOften says that an address failed too often; it stands among the causes of the
// refusal.
type TooOften struct{ Wait time.Duration }

// Error names no address.
func (e *TooOften) Error() string {
	return fmt.Sprintf("too many wrong keys or signatures; the next within the limit in %s", e.Wait)
}

// Seconds is the wait in whole seconds, at least one, for a Retry-After.
func (e *TooOften) Seconds() int { return max(1, int((e.Wait+time.Second-1)/time.Second)) }
