package httpapi

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// fromUpstream is an error that upstream answered with.
type fromUpstream struct{ error }

func (fromUpstream) ServiceRequestID() string { return "" }
func (f fromUpstream) Unwrap() error          { return f.error }

// What clients bring about by themselves is no error of the broker's.
func TestLevelsOfRequests(t *testing.T) {
	slow, cause := cognito.TooManyRequests("Rate exceeded"), errors.New("why")
	for name, c := range map[string]struct {
		err   error
		level zapcore.Level
		cause string
	}{
		"answered":                  {nil, zap.InfoLevel, ""},
		"refused":                   {cognito.NotAuthorized("no"), zap.InfoLevel, ""},
		"over a limit of ours":      {slow, zap.InfoLevel, ""},
		"no turn for a guest":       {cognito.WithCause(slow, errors.Join(cache.ErrLimited, cause)), zap.InfoLevel, ""},
		"over a pool's bound":       {cognito.LimitExceeded("full"), zap.InfoLevel, ""},
		"no place for it":           {cognito.WithCause(slow, cause), zap.WarnLevel, "why"},
		"over a quota of upstream":  {fromUpstream{slow}, zap.WarnLevel, "Rate exceeded"},
		"over its bound of pools":   {fromUpstream{cognito.LimitExceeded("full")}, zap.WarnLevel, "full"},
		"a provider that is down":   {cognito.ExternalService("later"), zap.ErrorLevel, "later"},
		"upstream gives no answer":  {cognito.Unavailable(cause), zap.ErrorLevel, "why"},
		"late":                      {context.DeadlineExceeded, zap.ErrorLevel, "context deadline exceeded"},
		"a fault that nobody knows": {cause, zap.ErrorLevel, "why"},
	} {
		core, logs := observer.New(zap.DebugLevel)
		s := New(Config{Metrics: telemetry.NewMetrics(), Log: zap.New(core), BodyBytes: 1024, RequestTimeout: time.Second})
		s.finish(event{began: time.Now(), route: "-", op: opNone, err: c.err})
		line := logs.All()[0]
		got, _ := line.ContextMap()["error"].(string)
		if line.Level != c.level || !strings.HasSuffix(got, c.cause) || (c.cause == "") != (got == "") {
			t.Errorf("%s: got %s with cause %q, want %s with %q", name, line.Level, got, c.level, c.cause)
		}
	}
}

// A request's id is a random UUID, and no two are the same.
func TestRequestID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	met := map[string]bool{}
	for range 1000 {
		id := NewRequestID()
		if !form.MatchString(id) || met[id] {
			t.Errorf("got %q, met before %v, want a new UUID", id, met[id])
		}
		met[id] = true
	}
}

// Replayed answers have the header of their responder, each with another request id.
func TestResponderHeader(t *testing.T) {
	for name, test := range map[string]struct {
		responder *responder
		want      map[string]string
	}{
		"wire": {&wireResponder, map[string]string{
			"Content-Type": wireContent, "X-Cache": "hit", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": wireExpose,
		}},
		"rest": {&restResponder, map[string]string{
			"Content-Type": "application/json", "X-Cache": "hit", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": restExpose,
			"Cache-Control": "no-store",
		}},
	} {
		var h fasthttp.ResponseHeader
		ids := map[string]bool{}
		for range 2 {
			test.responder.respond(&h)
			got := map[string]string{}
			for key, value := range h.All() {
				got[string(key)] = string(value)
			}
			ids[got[test.responder.requestID]] = true
			delete(got, test.responder.requestID)
			delete(got, "Server")
			if !maps.Equal(got, test.want) {
				t.Errorf("%s: got %q, want %q", name, got, test.want)
			}
		}
		if len(ids) != 2 || ids[""] {
			t.Errorf("%s: got the ids %v, want two", name, ids)
		}
	}
}
