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
	// wrongKeysSoon is how soon the log tells of the first ones after a quiet time.
	wrongKeysSoon = time.Second
	// wrongKeysEvery is how often it tells of an address at most.
	wrongKeysEvery = 10 * time.Second
	// wrongKeysNamed bounds the addresses that are told apart at a time.
	wrongKeysNamed = 64
)

// WrongKeys counts keys and signatures that are no caller's: it limits them by the
// client's address, and has the log tell how many came from where. Right keys are
// never counted, so no limit concerns them. Nothing that somebody sent is kept or
// logged. It is safe for concurrent use.
type WrongKeys struct {
	limit   *cache.Rates // nil: no limit
	metrics *telemetry.Metrics
	log     *zap.Logger
	first   chan struct{} // holds one while there is something to tell

	mu     sync.Mutex
	number map[string]int // since the log told last, by address
	others int            // of more addresses than are told apart
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

// Run tells the log until ctx ends, and then of what is left.
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
