package httpapi

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// Names of operations in metrics and logs.
const (
	opGrant       = "RestCredentials"
	opIdentity    = "RestIdentities"
	opCredentials = "GetCredentialsForIdentity"
	opNone        = "none"
)

const headerCache = "X-Cache"

// appendRequestID appends a fresh id in the form of a UUID. It names a request
// in logs and answers and guards nothing, so a fast generator does.
func appendRequestID(dst []byte) []byte {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [32]byte
	hex.Encode(text[:], b[:])
	from := 0
	for _, to := range [...]int{8, 12, 16, 20} {
		dst = append(append(dst, text[from:to]...), '-')
		from = to
	}
	return append(dst, text[from:]...)
}

// NewRequestID returns a fresh request id.
func NewRequestID() string { return string(appendRequestID(make([]byte, 0, 36))) }

// event is the one log line of a request.
type event struct {
	began     time.Time
	route     string // pattern, never the path
	op        string
	code      string // error name; empty for success
	status    int
	outcome   flows.Outcome
	requestID string
	err       error
}

// finish counts and logs a request that took the full path. It logs no line for a wrong
// key beyond the limit: WrongKeys logs their number.
func (s *Server) finish(e event) {
	took := s.Now().Sub(e.began)
	s.Metrics.Request(e.op, e.code, took)
	if _, often := errors.AsType[*callers.TooOften](e.err); often {
		return
	}
	fields := []zap.Field{
		zap.String("route", e.route), zap.String("op", e.op), zap.Int("status", e.status),
		zap.Duration("took", took), zap.String("request", e.requestID),
	}
	if e.code != "" {
		fields = append(fields, zap.String("code", e.code))
	}
	if e.outcome != "" {
		fields = append(fields, zap.String("cache", string(e.outcome)))
	}
	level := levelOf(e.err)
	if level == zapcore.InfoLevel {
		s.Log.Info("request", fields...)
		return
	}
	cause := cognito.Cause(e.err)
	if cause == nil {
		cause = e.err
	}
	s.Log.Log(level, "request failed", append(fields, zap.Error(cause))...)
}

// levelOf is the level at which a failed request is logged. Refusals are information, and
// so are clients over a limit of this broker. An exhausted quota of upstream's, or of the
// broker's own places for exchanges, is a warning: it may be too small. Any other passing
// failure is an error.
func levelOf(err error) zapcore.Level {
	if err == nil || !cognito.Passing(err) {
		return zapcore.InfoLevel
	}
	switch cognito.Public(err).ErrorCode() {
	case codeTooMany, codeLimitExceeded, codeConcurrent:
		_, answered := errors.AsType[interface {
			error
			ServiceRequestID() string
		}](err)
		if !answered && cognito.Cause(err) == nil || errors.Is(err, cache.ErrLimited) {
			return zapcore.InfoLevel
		}
		return zapcore.WarnLevel
	}
	return zapcore.ErrorLevel
}

// errPanic is what a caller learns of a panic: nothing.
var errPanic = errors.New("a handler panicked")

// guarded reads the request's body within its limits, and keeps the broker alive when a
// handler panics. The panic's value may hold anything, so only its type is logged,
// with the stack.
func (s *Server) guarded(h fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) (err error) {
		var held hold
		defer func() {
			s.bodies.release(held)
			if p := recover(); p != nil {
				s.Log.Error("panic", zap.String("type", fmt.Sprintf("%T", p)), zap.Stack("stack"))
				c.Response().Reset()
				err = errPanic
			}
		}()
		// The body is taken as it came: Fiber's own Body would unpack what claims
		// to be compressed, without a limit.
		if held, err = s.bodies.receive(c, s.address); err != nil {
			return err
		}
		return h(c)
	}
}
