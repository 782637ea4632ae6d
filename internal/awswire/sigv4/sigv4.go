// Package sigv4 verifies AWS Signature Version 4 on a request that is already in
// memory: in the Authorization header, or presigned in the query. It looks up no
// key and knows no caller: Parse says whose signature a request claims to bear,
// and Verify, given that caller's secret, whether it does.
//
// It is stricter than AWS where AWS is lenient and no SDK needs it: unsigned and
// streamed bodies, repetitions of headers that are signed or decide something, paths
// that are not in normal form and requests signed twice are refused. So are, as in
// AWS, an unsigned Host and what of X-Amz-Content-Sha256, X-Amz-Date,
// X-Amz-Security-Token and X-Amz-Target stands there unsigned. All other headers may
// be unsigned: proxies add some, older SDKs leave out Content-Type, and tools such as
// awscurl sign three headers. Give no meaning to a header that need not be signed.
package sigv4

import (
	"time"
)

// Header is one header field as received.
type Header struct{ Name, Value string }

// Request is what a signature covers. Headers keep order and repetitions and
// include those that servers like to hold apart: Host and Content-Length. Path
// and RawQuery are as they stood on the request line, escapes and all. Body is
// whole; its length is for the reader of the body to limit.
type Request struct {
	Method, Path, RawQuery string
	Headers                []Header
	Body                   []byte
}

// Limits on a request; whatever exceeds one is refused as Incomplete.
const (
	maxMethod        = 20
	maxPath          = 4096
	maxQuery         = 16 << 10
	maxParams        = 100
	maxHeaders       = 100
	maxHeaderName    = 256
	maxHeaderBytes   = 32 << 10
	maxAuthorization = 8 << 10
	maxSignedHeaders = 50
	maxAccessKey     = 128
	maxScopePart     = 64
)

const algorithm = "AWS4-HMAC-SHA256"

// Credential is whom a request claims to come from, and for what it was signed.
// Nothing of it is proven before Verify.
type Credential struct {
	AccessKeyID  string
	Date         string // yyyymmdd
	Region       string
	Service      string
	SessionToken string // empty for lasting keys
}

// Signed is a request with a well-formed signature that is yet to be verified.
// It is read-only and safe for concurrent use.
type Signed struct {
	request     *Request
	headers     *headers
	query       []param
	credential  Credential
	names       []string // signed headers
	signature   []byte
	presigned   bool
	date        time.Time
	life        time.Duration // for how long after date it is good
	contentHash string        // what the caller says the body hashes to, or empty
}

// Parse finds the signature of r and checks all that needs no secret and no
// clock. It returns ErrMissing when r bears none, or else an *Error: Incomplete
// for what is malformed, ambiguous or beyond the limits, Scope for a credential
// that contradicts the date. The result refers to r, which must not change while
// the result or its strings are in use.
func Parse(r *Request) (*Signed, error) {
	if r == nil {
		return nil, ErrMissing
	}
	if err := checkLine(r); err != nil {
		return nil, err
	}
	hs, err := indexHeaders(r.Headers)
	if err != nil {
		return nil, err
	}
	query, err := parseQuery(r.RawQuery)
	if err != nil {
		return nil, err
	}
	s := &Signed{request: r, headers: hs, query: query}
	if err := s.parseForm(); err != nil {
		return nil, err
	}
	if err := s.checkSignedHeaders(); err != nil {
		return nil, err
	}
	return s, nil
}

// parseForm reads the signature from wherever it stands. Two at once are refused,
// lest one be verified and the other believed.
func (s *Signed) parseForm() error {
	authorization, hasHeader := s.headers.get("authorization")
	hasQuery := hasSigningParam(s.query)
	switch {
	case hasHeader && hasQuery:
		return incomplete("The request is signed in both the 'Authorization' header and the query string.")
	case hasQuery:
		return s.parsePresigned()
	case hasHeader && len(authorization) >= 5 && authorization[:5] == "AWS4-":
		return s.parseAuthorization(authorization)
	}
	return ErrMissing
}

// Presigned reports whether the signature stands in the query: whoever holds the
// address can use it, for up to a week.
func (s *Signed) Presigned() bool { return s.presigned }

// Credential is whom s claims to come from.
func (s *Signed) Credential() Credential { return s.credential }
