package main

import (
	"errors"
	"slices"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// observed is a log, and what it says so far.
func observed() (log *zap.Logger, said func() []string) {
	core, lines := observer.New(zapcore.InfoLevel)
	return zap.New(core), func() (texts []string) {
		for _, line := range lines.All() {
			texts = append(texts, line.Message)
		}
		return texts
	}
}

// The log tells of a provider that goes down, and of one that is back, once for each change.
func TestProviderEventsOncePerChange(t *testing.T) {
	t.Parallel()
	log, said := observed()
	p, fails := newProviderEvents(telemetry.NewMetrics(), log), errors.New("status 404")
	const down, up = "login provider has no keys for us", "login provider has keys again"
	var want []string
	for _, step := range []struct {
		provider string
		err      error
		line     string
	}{
		{"a", nil, ""}, {"a", fails, down}, {"a", fails, ""}, {"b", fails, down}, {"a", fails, ""}, {"a", nil, up},
		{"a", nil, ""}, {"a", fails, down}, {"b", errors.New("status 500"), ""}, {"b", nil, up},
	} {
		if step.line != "" {
			want = append(want, step.line)
		}
		if p.fetched(step.provider, step.err); !slices.Equal(said(), want) {
			t.Fatalf("after %+v: got %q, want %q", step, said(), want)
		}
	}
	for _, err := range []error{nil, fails, fails, nil} { // beside its keys
		p.asked("a", err)
	}
	want = append(want, "login provider does not say whose access tokens are",
		"login provider says again whose access tokens are")
	p.changed("a", 1, 0)
	if want = append(want, "login provider has other keys"); !slices.Equal(said(), want) {
		t.Errorf("other keys: got %q, want %q", said(), want)
	}
}

// The log tells of each rotation, and of a store that fails when it begins and when it ends.
func TestIssuerEventsOncePerChange(t *testing.T) {
	t.Parallel()
	log, said := observed()
	var c issuer.Config
	tellIssuer(&c, log)
	disk := errors.New("disk is full")
	c.OnRotation("us-east-1-2")
	c.OnFailure(disk)
	c.OnFailure(disk)
	c.OnRecovery()
	c.OnFailure(disk)
	const fails = "signing keys cannot be tended; tokens go on being signed by the present one"
	want := []string{"signing key rotated", fails, "signing keys are tended again", fails}
	if !slices.Equal(said(), want) {
		t.Errorf("got %q, want %q", said(), want)
	}
}
