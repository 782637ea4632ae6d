// Package telemetry makes what the broker tells its operators: the zap logger
// and the Prometheus metrics. Nothing in it ever takes a token, a secret, a
// subject or an identity (docs/architecture.md#secrecy).
package telemetry

import (
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// NewLogger returns a logger to standard error. level is zap's (debug, info,
// warn, error), format is console or json.
func NewLogger(level, format string) (*zap.Logger, error) {
	parsed, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("read log level: %w", err)
	}
	c := zap.NewProductionConfig()
	c.Level = zap.NewAtomicLevelAt(parsed)
	c.DisableStacktrace = true
	c.DisableCaller = true
	c.EncoderConfig.TimeKey = "time"
	c.EncoderConfig.EncodeTime = zapcore.RFC3339TimeEncoder
	switch format {
	case "json":
		c.Encoding = "json"
	case "console":
		c.Encoding = "console"
		c.EncoderConfig.EncodeLevel = zapcore.CapitalLevelEncoder
	default:
		return nil, fmt.Errorf("unknown log format %q", format)
	}
	return c.Build()
}
