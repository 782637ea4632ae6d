package main

import (
	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/httpapi"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// wrongKeys counts wrong keys, and owns what limits them.
type wrongKeys struct {
	*httpapi.WrongKeys
	limit *cache.Rates // nil: no limit
}

// wrongKeyNames bounds the addresses that a broker counts.
const wrongKeyNames = 100_000

func newWrongKeys(w config.Rate, metrics *telemetry.Metrics, log *zap.Logger) (*wrongKeys, error) {
	var limit *cache.Rates
	if w.PerMinute > 0 {
		var err error
		if limit, err = cache.NewRates(w.PerMinute, w.Burst, wrongKeyNames); err != nil {
			return nil, err
		}
	}
	return &wrongKeys{WrongKeys: httpapi.NewWrongKeys(limit, metrics, log), limit: limit}, nil
}

func (w *wrongKeys) close() {
	if w.limit != nil {
		w.limit.Close()
	}
}
