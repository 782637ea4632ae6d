package fleet_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/redistest"
)

// What changes is told to the log once, however many requests meet it, and without identities.
func TestChangesAreTold(t *testing.T) {
	t.Parallel() // it waits for leases
	s := redistest.Single(t)
	link := redistest.Proxy(t, s.Addr())
	core, lines := observer.New(zap.InfoLevel)
	b := joinWith(t, newKeys(), fleet.Config{Server: server(link.Addr()), Observer: silent{}, Log: zap.New(core)}).leased(t)
	told := func(message string, times int) {
		t.Helper()
		redistest.Until(t, message, func() bool { return lines.FilterMessage(message).Len() >= times })
		if got := lines.FilterMessage(message).Len(); got != times {
			t.Errorf("%q: got %d lines, want %d", message, got, times)
		}
	}
	const person = cache.Scope("i/somebody")
	told("lease held: memory serves", 1)
	link.Cut()
	told("lease lost: memory does not serve", 1)
	for range 10 {
		if _, err := b.epochs.Fence(t.Context(), person); err == nil {
			t.Fatal("a fence without Redis: got one")
		}
	}
	told("fences cannot begin: changes are refused", 1)
	link.Restore()
	b.healthy(t).leased(t)
	told("lease held: memory serves", 2)
	b.change(t, person)
	told("fences begin again", 1)
	told("fences cannot begin: changes are refused", 1)
	s.Kill()
	s.Start()
	told("a redis master was replaced or started again", 1)
	for _, line := range lines.All() {
		if text := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(text, "somebody") {
			t.Errorf("got an identity in %q", text)
		}
	}
	if got := b.Status().MastersReplaced; got != 1 {
		t.Errorf("got %d masters replaced, want 1", got)
	}
}
