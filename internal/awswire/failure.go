package awswire

import (
	"errors"
	"strconv"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// msgTooOften is for whoever sends wrong keys all the time.
const msgTooOften = "Too many wrong keys or signatures came from this address."

const headerRetryAfter = "Retry-After"

// TooOften is the refusal of a wrong key or signature beyond the limit: a passing
// one, with a *callers.TooOften among its causes.
func TooOften(often *callers.TooOften) error {
	return cognito.WithCause(cognito.TooManyRequests(msgTooOften), often)
}

// often tells the counter of a failure; nil while the address is within its limit.
// What is no failure of proof (see callers.Failure) is told to nobody.
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

// failure is what counts where a claim was not verified, for err. Of a session whose
// life is over the token was genuine.
func (c claimant) failure(err error) callers.Failure {
	if c.err == nil {
		return signatureFailure(err)
	}
	if refused, ok := errors.AsType[*sts.Error](c.err); ok && refused.Code == sts.CodeInvalidClientTokenID {
		return callers.WrongAccessKey
	}
	return ""
}

// withRetryAfter tells whoever failed too often when to come again.
func withRetryAfter(headers []Header, err error) []Header {
	if often, ok := errors.AsType[*callers.TooOften](err); ok {
		return append(headers, Header{Name: headerRetryAfter, Value: strconv.Itoa(often.Seconds())})
	}
	return headers
}
