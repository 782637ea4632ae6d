package awswire

import (
	"errors"
	"strconv"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// msgTooOften refuses an address that is over the limit of wrong keys.
const msgTooOften = "Too many wrong keys or signatures came from this address."

const headerRetryAfter = "Retry-After"

// TooOften is the refusal of a wrong key or signature beyond the limit: a passing
// one, with a *callers.TooOften among its causes.
func TooOften(often *callers.TooOften) error {
	return cognito.WithCause(cognito.TooManyRequests(msgTooOften), often)
}

// often counts a failure of an address; it returns nil while the address is within its
// limit. Faults that are no failed proof (see callers.Failure) are not counted.
func (s *Server) often(r *Request, what callers.Failure) *callers.TooOften {
	if s.failed == nil || what == "" {
		return nil
	}
	if wait := s.failed(r.Address, what); wait > 0 {
		return &callers.TooOften{Wait: wait}
	}
	return nil
}

// signatureFailure is what a fault of a signature counts as.
func signatureFailure(err error) callers.Failure {
	fault, ok := errors.AsType[*sigv4.Error](err)
	if !ok || fault.Kind == sigv4.Missing || fault.Kind == sigv4.Expired {
		return ""
	}
	return callers.WrongSignature
}

// failure is what an unverified claim counts as, given the fault err of its signature. An
// expired session counts as nothing, for its token was genuine.
func (c claimant) failure(err error) callers.Failure {
	if c.err == nil {
		return signatureFailure(err)
	}
	if refused, ok := errors.AsType[*sts.Error](c.err); ok && refused.Code == sts.CodeInvalidClientTokenID {
		return callers.WrongAccessKey
	}
	return ""
}

// withRetryAfter adds Retry-After to the answer to an address that failed too often.
func withRetryAfter(headers []Header, err error) []Header {
	if often, ok := errors.AsType[*callers.TooOften](err); ok {
		return append(headers, Header{Name: headerRetryAfter, Value: strconv.Itoa(often.Seconds())})
	}
	return headers
}
