package sts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

const actRemote = "call AssumeRoleWithWebIdentity"

// Why a remote STS brought neither credentials nor a refusal.
var (
	errBusy       = errors.New("STS asks to retry later")
	errUnusable   = errors.New("STS gave no usable answer")
	errIncomplete = errors.New("STS answered with incomplete credentials")
)

// Bounds of what is taken over from an answer, in characters.
const (
	maxCode      = 64
	maxMessage   = 1024
	maxRequestID = 128
)

const tooManyRequests = 429 // an HTTP status

// What of a token counts as told: this many characters in a row.
const minTold = 16

// judge tells refusals from passing faults. Nothing of the SDK's errors is
// wrapped but causes that are known to hold neither URL nor body: an answer that
// does not decode may have a secret in it.
func judge(ctx context.Context, err error, token string) error {
	if a, ok := readAnswer(err); ok {
		return a.verdict(token)
	}
	throttled := answerStatus(err) == tooManyRequests
	if ended := ctx.Err(); ended != nil {
		return &Fault{throttled, fmt.Errorf("%s: %w", actRemote, ended)}
	}
	return &Fault{throttled, fmt.Errorf("%s: %w", actRemote, harmless(err))}
}

// answer is an error that an STS sent.
type answer struct {
	code, message, requestID string
	status                   int
}

// readAnswer finds in err what STS sent; false if that was no error in its form.
func readAnswer(err error) (answer, bool) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return answer{}, false
	}
	http, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || !identifier(api.ErrorCode(), maxCode) || api.ErrorCode() == "UnknownError" { // the SDK's, for none
		return answer{}, false
	}
	a := answer{code: api.ErrorCode(), message: api.ErrorMessage(), status: http.HTTPStatusCode()}
	if identifier(http.ServiceRequestID(), maxRequestID) {
		a.requestID = http.ServiceRequestID()
	}
	return a, true
}

// answerStatus is the HTTP status of whatever answered; 0 if nothing did.
func answerStatus(err error) int {
	if http, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return http.HTTPStatusCode()
	}
	return 0
}

// verdict is a refusal, unless the same request may fare better later.
func (a answer) verdict(token string) error {
	if len(token) >= minTold { // shorter ones are no secret, and may be a part of any word
		if untold(a.code, token) != a.code {
			return &Fault{false, fmt.Errorf("%s: status %d: %w", actRemote, a.status, errUnusable)}
		}
		a.requestID = untold(a.requestID, token)
	}
	if a.passing() {
		cause := fmt.Errorf("%s: %s, status %d, request %s: %w", actRemote, a.code, a.status, a.requestID, errBusy)
		return &Fault{a.throttled(), cause}
	}
	return &Error{Code: a.code, Message: printable(untold(a.message, token), maxMessage), RequestID: a.requestID}
}

// passing says whether a says nothing of the request. Only a status of 4xx can.
func (a answer) passing() bool {
	const requestTimeout = 408
	if a.status < 400 || a.status >= 500 || a.status == requestTimeout || a.throttled() {
		return true
	}
	if _, retryable := retry.DefaultRetryableErrorCodes[a.code]; retryable {
		return true
	}
	switch a.code {
	case CodeIDPCommunicationError, "InternalError", "InternalFailure", "ServiceUnavailable":
		return true
	}
	return false
}

// throttled says whether a asks for fewer requests.
func (a answer) throttled() bool {
	_, throttles := retry.DefaultThrottleErrorCodes[a.code]
	return throttles || a.code == "TooManyRequests" || a.status == tooManyRequests
}

// harmless is the part of err that says what became of the connection.
func harmless(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e
	}
	for _, e := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, e) { // the HTTP client's own
			return e
		}
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errUnusable, io.EOF)
	}
	return errUnusable
}

// identifier says whether s, of limit characters at most, looks like a code or a
// request id rather than like text.
func identifier(s string, limit int) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("._:-=+/", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= limit
}

// untold is s with whatever stands in token too redacted, in case an STS quotes
// what it was sent. Text beyond what is taken over is cut off first, since it is
// looked through piece by piece.
func untold(s, token string) string {
	piece := min(minTold, len(token))
	if piece == 0 {
		return s
	}
	s = s[:min(len(s), 4*maxMessage)]
	var b strings.Builder
	done := 0 // s before it is written, or redacted
	for i := 0; i+piece <= len(s); i++ {
		if !strings.Contains(token, s[i:i+piece]) {
			continue
		}
		if i >= done && (i > done || done == 0) {
			b.WriteString(s[done:i])
			b.WriteString(redacted)
		}
		done = i + piece
	}
	b.WriteString(s[done:])
	return b.String()
}
