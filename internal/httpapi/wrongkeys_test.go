package httpapi

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// told are the lines of a log, as "address number".
func told(logs *observer.ObservedLogs) (lines []string) {
	for _, entry := range logs.TakeAll() {
		fields := entry.ContextMap()
		lines = append(lines, strings.TrimSpace(fmt.Sprint(fields["address"], " ", fields["number"])))
	}
	return lines
}

func same(got, want []string) bool { return strings.Join(got, "; ") == strings.Join(want, "; ") }

func newTestWrongKeys(t *testing.T, perMinute, burst int) (*WrongKeys, *observer.ObservedLogs, *telemetry.Metrics) {
	t.Helper()
	limit, err := cache.NewRates(perMinute, burst, 100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(limit.Close)
	core, logs := observer.New(zap.WarnLevel)
	metrics := telemetry.NewMetrics()
	return NewWrongKeys(limit, metrics, zap.New(core)), logs, metrics
}

// The log tells how many came from where: soon, then at most each ten seconds, and
// at the end what is left. None is lost.
func TestWrongKeysAreToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, logs, metrics := newTestWrongKeys(t, 60, 5)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		tells := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			if got := told(logs); !same(got, want) {
				t.Errorf("%s: got %v, want %v", when, got, want)
			}
		}
		for range 12312 {
			w.Note("192.0.2.1", callers.WrongAPIKey)
		}
		w.Note("192.0.2.2", callers.WrongSignature)
		tells("at once")
		time.Sleep(time.Second)
		tells("after a second", "192.0.2.1 12312", "192.0.2.2 1")
		w.Note("192.0.2.1", callers.WrongAPIKey)
		time.Sleep(9 * time.Second)
		tells("within ten seconds")
		w.Note("192.0.2.1", callers.WrongAPIKey)
		time.Sleep(time.Second)
		tells("after ten seconds", "192.0.2.1 2")
		time.Sleep(time.Hour)
		tells("where there were none")
		w.Note("192.0.2.3", callers.WrongAccessKey)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: got %v", err)
		}
		tells("at the end", "192.0.2.3 1")
		answer := httptest.NewRecorder()
		metrics.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
		for _, series := range []string{`{kind="api_key"} 12314`, `{kind="signature"} 1`, `{kind="access_key"} 1`} {
			if !strings.Contains(answer.Body.String(), "broker_authentication_failures_total"+series+"\n") {
				t.Errorf("metrics: got no %s", series)
			}
		}
	})
}

// Addresses that are told apart are bounded, and so are lines; numbers add up.
func TestWrongKeysOfManyAddresses(t *testing.T) {
	w, logs, _ := newTestWrongKeys(t, 60, 5)
	for i := range 1000 {
		w.Note(fmt.Sprint("address ", i), callers.WrongAPIKey)
	}
	w.Note("address 7", callers.WrongAPIKey)
	if len(w.number) != wrongKeysNamed {
		t.Errorf("got %d addresses, want %d", len(w.number), wrongKeysNamed)
	}
	w.tell()
	got := told(logs)
	if len(got) != wrongKeysNamed+1 || got[0] != "address 7 2" || got[wrongKeysNamed] != "<nil> 936" {
		t.Errorf("got %d lines, the first %q and the last %q", len(got), got[0], got[len(got)-1])
	}
}

// Each address has its own limit; nobody has one where there is none.
func TestWrongKeysByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := newTestWrongKeys(t, 60, 3)
		for n, want := range []time.Duration{0, 0, 0, time.Second, time.Second} {
			if got := w.Note("a", callers.WrongAPIKey); got != want {
				t.Errorf("number %d: got %v, want %v", n, got, want)
			}
		}
		if got := w.Note("b", callers.WrongAPIKey); got != 0 {
			t.Errorf("another address: got %v, want none", got)
		}
		free := NewWrongKeys(nil, telemetry.NewMetrics(), zap.NewNop())
		for range 1000 {
			if got := free.Note("a", callers.WrongAPIKey); got != 0 {
				t.Fatalf("without a limit: got %v", got)
			}
		}
	})
}
