package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
)

// keptPools are the pools of the store, by id.
func keptPools(ctx context.Context, s *store.Store) (map[string]rules.Pool, error) {
	kept := map[string]rules.Pool{}
	err := s.View(ctx, func(tx *store.Tx) error {
		pools, err := tx.Pools()
		for _, p := range pools {
			kept[p.ID] = p
		}
		return err
	})
	return kept, err
}

// checkDeveloperProviders refuses a pool whose developer provider would become another
// than it is in the store: that would orphan its users.
func checkDeveloperProviders(c *config.Config, kept map[string]rules.Pool) error {
	for i, p := range c.Pools {
		if old := kept[p.ID].DeveloperProvider; old != "" && old != p.DeveloperProviderName {
			return fmt.Errorf("pools[%d].developer_provider_name: cannot change; expected %q, as it is in the store", i, old)
		}
	}
	return nil
}

// keptSettings warn of role mappings and principal tags that the store has of a pool of the file, and
// the file does not: they count, whether the API set them or a former file.
func keptSettings(c *config.Config, kept map[string]rules.Pool) (all []config.Warning) {
	for i, p := range c.Pools {
		old, path := kept[p.ID], fmt.Sprintf("pools[%d]", i)
		if p.RoleMappings == nil && len(old.Mappings) > 0 {
			all = append(all, config.Warning{Path: path + ".role_mappings", Text: stays("mappings", old.Mappings)})
		}
		if p.PrincipalTags == nil && len(old.PrincipalTags) > 0 {
			all = append(all, config.Warning{Path: path + ".principal_tags", Text: stays("principal tags", old.PrincipalTags)})
		}
	}
	return all
}

// maxNamed is how many providers are named in a warning.
const maxNamed = 10

// stays says of which providers the store has something that the file lacks.
func stays[V any](what string, of map[string]V) string {
	names := slices.Sorted(maps.Keys(of))
	if more := len(names) - maxNamed; more > 0 {
		names = append(names[:maxNamed], fmt.Sprintf("%d more", more))
	}
	return "the store has " + what + " for " + strings.Join(names, ", ") + " that are not in the file; {} removes them"
}
