package httpapi

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

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
