package httpapi

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// Times and bounds of the log of wrong keys.
const (
	// wrongKeysSoon is how soon the first ones after a quiet time are logged.
	wrongKeysSoon = time.Second
	// wrongKeysEvery is the least time between two lines of one address.
	wrongKeysEvery = 10 * time.Second
	// wrongKeysNamed bounds the addresses that are counted apart between two lines.
	wrongKeysNamed = 64
)

// WrongKeys counts API keys and signatures that are not those of a caller: it limits them
// by the client's address, and logs how many came from each address. Right keys are never
// counted, so the limit does not concern them. It keeps and logs nothing of a key or
// signature itself. It is safe for concurrent use.
type WrongKeys struct {
	limit   *cache.Rates // nil: no limit
	metrics *telemetry.Metrics
	log     *zap.Logger
	first   chan struct{} // holds one element while something is to be logged

	mu     sync.Mutex
	number map[string]int // by address, since the last lines in the log
	others int            // of addresses beyond wrongKeysNamed
}

// NewWrongKeys counts into metrics and log. The limit is by address; nil is none.
// Whoever makes one has to Run it.
func NewWrongKeys(limit *cache.Rates, metrics *telemetry.Metrics, log *zap.Logger) *WrongKeys {
	return &WrongKeys{limit: limit, metrics: metrics, log: log, first: make(chan struct{}, 1), number: map[string]int{}}
}

// Note counts a failure of a client at an address, and returns zero, or how long it
// takes until the next one is within the limit. It is a callers.Failed.
func (w *WrongKeys) Note(address string, what callers.Failure) (wait time.Duration) {
	w.metrics.AuthenticationFailure(string(what))
	w.count(address)
	if w.limit == nil {
		return 0
	}
	return w.limit.Try(address)
}

func (w *WrongKeys) count(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.number[address]; known || len(w.number) < wrongKeysNamed {
		w.number[address]++
	} else {
		w.others++
	}
	select {
	case w.first <- struct{}{}:
	default:
	}
}

// Run logs until ctx ends, and then what is left. It returns nil.
func (w *WrongKeys) Run(ctx context.Context) error {
	defer w.tell()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.first:
		}
		if !sleep(ctx, wrongKeysSoon) {
			return nil
		}
		w.tell()
		if !sleep(ctx, wrongKeysEvery-wrongKeysSoon) {
			return nil
		}
	}
}

// tell writes a line for each address, those with most first.
func (w *WrongKeys) tell() {
	w.mu.Lock()
	number, others := w.number, w.others
	w.number, w.others = map[string]int{}, 0
	w.mu.Unlock()
	addresses := make([]string, 0, len(number))
	for address := range number {
		addresses = append(addresses, address)
	}
	slices.SortFunc(addresses, func(a, b string) int { return number[b] - number[a] })
	for _, address := range addresses {
		w.log.Warn("wrong keys or signatures", zap.String("address", address), zap.Int("number", number[address]))
	}
	if others > 0 {
		w.log.Warn("wrong keys or signatures of more addresses", zap.Int("number", others))
	}
}

// sleep reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
