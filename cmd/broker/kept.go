package main

import (
	"context"
	"fmt"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
)

// checkDeveloperProviders compares the configured pools with those in the store. A
// pool's developer provider never changes once it is set, as in the service:
// another name would orphan its developer users.
func checkDeveloperProviders(ctx context.Context, c *config.Config, s *store.Store) error {
	var kept []rules.Pool
	err := s.View(ctx, func(tx *store.Tx) (err error) {
		kept, err = tx.Pools()
		return err
	})
	if err != nil {
		return err
	}
	names := make(map[string]string, len(kept))
	for _, p := range kept {
		names[p.ID] = p.DeveloperProvider
	}
	for i, p := range c.Pools {
		if old := names[p.ID]; old != "" && old != p.DeveloperProviderName {
			return fmt.Errorf("pools[%d].developer_provider_name: cannot change; expected %q, as it is in the store", i, old)
		}
	}
	return nil
}
