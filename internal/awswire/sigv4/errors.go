package sigv4

// Kind says what is wrong with a signature, for whoever words it in the codes of
// a protocol.
type Kind int

const (
	// Missing: no signature. MissingAuthenticationToken.
	Missing Kind = iota + 1
	// Incomplete: malformed, ambiguous or beyond the limits. IncompleteSignature.
	Incomplete
	// Mismatch: the signature, or the hash of the body, is not the request's.
	// SignatureDoesNotMatch, or InvalidSignatureException.
	Mismatch
	// Expired: signed too long ago, or in the future. Code as for Mismatch.
	Expired
	// Scope: signed for another service or another day. Code as for Mismatch.
	Scope
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case Missing:
		return "missing"
	case Incomplete:
		return "incomplete"
	case Mismatch:
		return "mismatch"
	case Expired:
		return "expired"
	case Scope:
		return "scope"
	}
	return "unknown"
}

// Error refuses a request. Message is AWS's where AWS has one, is safe for
// callers, and never contains a signature, a canonical request or a token.
type Error struct {
	Kind    Kind
	Message string
}

// Error gives the message.
func (e *Error) Error() string { return e.Message }

// ErrMissing says that a request bears no signature.
var ErrMissing error = &Error{Kind: Missing, Message: "Request is missing Authentication Token"}

const (
	msgMismatch = "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	msgContentHash = "The provided 'x-amz-content-sha256' header does not match what was computed."
)

func incomplete(message string) error { return &Error{Kind: Incomplete, Message: message} }
func mismatch(message string) error   { return &Error{Kind: Mismatch, Message: message} }
func scope(message string) error      { return &Error{Kind: Scope, Message: message} }
