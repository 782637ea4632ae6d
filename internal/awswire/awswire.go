// Package awswire speaks the AWS protocols as plain functions: AWS JSON 1.1 for
// the operations of Cognito identity pools, and the Query protocol for the
// built-in STS. A Request goes in, a Response comes out; the operations
// themselves are behind cognito.API.
//
// It refuses whatever can be read in two ways: repeated members, parameters and
// routing headers, trailing bytes, broken UTF-8, unknown operations; and whoever
// did not prove, by a signature, that he may call what he calls. It knows no
// HTTP server, keeps nothing between calls, and does not limit the size of
// bodies: that is the edge's. Only cmd/broker and httpapi may import it.
package awswire

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

// Sessions opens sessions of the built-in STS. Open refuses with *sts.Error.
type Sessions interface {
	Open(accessKeyID, sessionToken string) (*sts.Session, error)
}

// Config holds what a Server works with.
type Config struct {
	API       cognito.API       // required
	STS       sts.API           // nil: AssumeRoleWithWebIdentity is not served
	Sessions  Sessions          // nil: no session is known
	Callers   *callers.Registry // nil: nobody may call signed operations
	Failed    callers.Failed    // nil: wrong keys and signatures have no limit
	PoolOf    PoolOf            // nil: no identity's pool is known
	AccountID string            // the account that callers are users of: 12 digits
	Now       func() time.Time  // nil: the system's clock
	RequestID func() string     // nil: random UUIDs; safe for concurrent use
}

// Server answers requests. It is safe for concurrent use.
type Server struct {
	api        cognito.API
	sts        sts.API
	sessions   Sessions
	callers    *callers.Registry
	failed     callers.Failed
	poolOf     PoolOf
	account    string
	now        func() time.Time
	requestID  func() string
	operations map[string]operation
}

// New returns a server of all operations in the table.
func New(c Config) *Server {
	s := &Server{
		api: c.API, sts: c.STS, sessions: c.Sessions, callers: c.Callers, failed: c.Failed,
		poolOf: c.PoolOf, account: c.AccountID,
		now: c.Now, requestID: c.RequestID, operations: operations,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.requestID == nil {
		s.requestID = newRequestID
	}
	return s
}

// Serve answers one request; it never returns nil. It takes all it needs from r
// and keeps nothing of it, but the API may run on after Serve returned: r must
// not share memory that is used again.
//
// An API that outlives ctx is answered with InternalErrorException: being late
// is passing and no refusal. The request id of an answer is ours, or that of an
// upstream that refused.
func (s *Server) Serve(ctx context.Context, r *Request) *Response {
	id := s.requestID()
	switch {
	case r.Path != "/":
		return notFound(id)
	case r.Method == http.MethodOptions:
		return s.preflight(id, r)
	case r.Method == http.MethodGet && isQuery(r.RawQuery):
		return s.query(ctx, id, r, r.RawQuery)
	case r.Method != http.MethodPost:
		return notFound(id)
	case isForm(r):
		return s.query(ctx, id, r, string(r.Body))
	}
	return s.json(ctx, id, r)
}

func (s *Server) preflight(id string, r *Request) *Response {
	requested, _ := r.Header("Access-Control-Request-Headers")
	headers := append(Preflight(requested), Header{Name: headerRequestID, Value: id})
	return &Response{Status: http.StatusOK, Headers: headers, Operation: unknownOperation}
}

func notFound(id string) *Response {
	return ErrorResponse(id, cognito.CodeUnknownOperation, http.StatusNotFound, "Operations are called by POST /.")
}

// isForm tells requests of the Query protocol. One that names a JSON operation
// is none, whatever its content type: HTTP tools send forms unless told
// otherwise.
func isForm(r *Request) bool {
	_, targets := r.Header(headerTarget)
	return targets == 0 && mediaType(r) == contentForm
}

func isQuery(raw string) bool {
	return strings.HasPrefix(raw, "Action=") || strings.Contains(raw, "&Action=")
}

// mediaType is the content type without parameters, in lower case. It is empty
// unless there is exactly one.
func mediaType(r *Request) string {
	value, n := r.Header("Content-Type")
	if n != 1 {
		return ""
	}
	value, _, _ = strings.Cut(value, ";")
	return strings.ToLower(strings.TrimSpace(value))
}

// newRequestID returns a random UUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
