package main

import (
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/flows"
)

const (
	// refusalNames bounds the addresses, and the identities, that a broker counts.
	refusalNames = 100_000
	// refusalShare is how many identities' limits make one of an address: many people may
	// share an address, and few have business with one identity, whose limit holds nobody up.
	refusalShare = 20
)

// newRefusals limits the changes of identities that are refused; where there is no limit it
// is empty. Each broker counts by itself: a name in Redis for each that somebody makes up
// would fill it.
func newRefusals(r config.Rate) (limits flows.Refusals, err error) {
	if r.PerMinute == 0 {
		return flows.Refusals{}, nil
	}
	if limits.Addresses, err = cache.NewAllowance(r.PerMinute, r.Burst, refusalNames, nil); err != nil {
		return flows.Refusals{}, err
	}
	limits.Identities, err = cache.NewAllowance(max(1, r.PerMinute/refusalShare), max(1, r.Burst/refusalShare),
		refusalNames, nil)
	return limits, err
}
