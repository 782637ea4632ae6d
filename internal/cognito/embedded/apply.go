package embedded

import (
	"context"
	"fmt"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// ApplyPools makes the pools that are missing and brings those in line that
// differ; others stay as they are. Tags stay as the API set them, and so do the role mappings and
// principal tags of a pool that has nil for them. It fails
// when a pool's developer provider would change, for that would orphan its users. What
// differs in effect is marked in the store (see store.Marks), in the same write.
func (e *poolOperations) ApplyPools(ctx context.Context, pools []rules.Pool) error {
	e.changing.Lock()
	defer e.changing.Unlock()
	next, former := make([]rules.Pool, 0, len(pools)), *e.pools.Load()
	for _, p := range pools {
		if old, ok := e.pool(p.ID); ok {
			if old.DeveloperProvider != "" && old.DeveloperProvider != p.DeveloperProvider {
				return fmt.Errorf("pool %s: its developer provider is %q and cannot become %q", p.ID, old.DeveloperProvider,
					p.DeveloperProvider)
			}
			p.Tags = old.Tags
			if p.Mappings == nil {
				p.Mappings = old.Mappings
			}
			if p.PrincipalTags == nil {
				p.PrincipalTags = old.PrincipalTags
			}
		}
		next = append(next, p)
	}
	err := e.commit(ctx, func(tx *store.Tx) error {
		for _, p := range next {
			if err := tx.PutPool(p); err != nil {
				return err
			}
			if old := former[p.ID]; !rules.SameInEffect(&old, &p) {
				if err := tx.Mark(p.ID, !rules.SameLogins(&old, &p)); err != nil {
					return err
				}
			}
		}
		return nil
	}, func(published map[string]rules.Pool) {
		for _, p := range next {
			published[p.ID] = p
		}
	})
	if err != nil {
		return fmt.Errorf("apply pools: %w", err)
	}
	return nil
}
