//go:build !race

package embedded_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// kept is all that a store holds.
type kept struct {
	pools      map[string]rules.Pool
	identities map[string]rules.Identity
	linked     map[string][]rules.Login
	owners     map[string]map[cognito.Login]string // by pool
}

func (w *foreseen) dump() *kept {
	k := &kept{map[string]rules.Pool{}, map[string]rules.Identity{}, map[string][]rules.Login{},
		map[string]map[cognito.Login]string{}}
	must(w.t, w.store.View(context.Background(), func(tx *store.Tx) error {
		pools, err := tx.Pools()
		if err != nil {
			return err
		}
		for _, p := range pools {
			k.pools[p.ID], k.owners[p.ID] = p, map[cognito.Login]string{}
			found, err := tx.Identities(p.ID, "", true, 10_000)
			if err != nil {
				return err
			}
			for _, i := range found {
				k.identities[i.ID] = i
				if k.linked[i.ID], err = tx.Logins(i.ID); err != nil {
					return err
				}
				for _, l := range k.linked[i.ID] {
					k.owners[p.ID][cognito.Login(l)] = i.ID
				}
			}
		}
		return nil
	}))
	return k
}

func (k *kept) text() string {
	text, err := json.Marshal([]any{k.pools, k.identities, k.linked})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (k *kept) all() (list []model.Identity) {
	for _, id := range slices.Sorted(maps.Keys(k.identities)) {
		list = append(list, model.Identity{ID: id, Pool: k.identities[id].Pool})
	}
	return list
}

// effect is what differs afterwards.
func (k *kept) effect(after *kept) (e cognito.Effect) {
	for _, id := range slices.Sorted(maps.Keys(k.pools)) {
		if to, there := after.pools[id]; !there {
			return cognito.Effect{Pool: id, Reach: cognito.ReachEverything} // its identities go along
		} else if e.Reach = reach(k.pools[id], to); e.Reach != cognito.ReachNothing {
			e.Pool = id
			return e
		}
	}
	e.Creates = len(after.pools) > len(k.pools)
	pools := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(k.identities)) {
		now, there := after.identities[id]
		if !there || !now.Modified.Equal(k.identities[id].Modified) || !slices.Equal(k.linked[id], after.linked[id]) {
			e.Identities = append(e.Identities, id)
			pools[k.identities[id].Pool] = true
		}
	}
	for id, i := range after.identities {
		if _, was := k.identities[id]; !was {
			e.Creates, pools[i.Pool] = true, true
		}
	}
	moved := map[cognito.Login]bool{}
	for pool, owners := range k.owners {
		for l := range owners {
			moved[l] = moved[l] || after.owners[pool][l] != owners[l]
		}
		for l := range after.owners[pool] {
			moved[l] = moved[l] || after.owners[pool][l] != owners[l]
		}
	}
	maps.DeleteFunc(moved, func(_ cognito.Login, moved bool) bool { return !moved })
	e.Logins = slices.SortedFunc(maps.Keys(moved), cognito.Login.Compare)
	if len(pools) == 1 {
		e.Pool = slices.Collect(maps.Keys(pools))[0]
	}
	return e
}

// reach tells by each member how far a change goes.
func reach(from, to rules.Pool) cognito.Reach {
	whose := cmp.Equal(from.OIDCProviderARNs, to.OIDCProviderARNs) && from.DeveloperProvider == to.DeveloperProvider
	what := from.Roles == to.Roles && cmp.Equal(from.Mappings, to.Mappings) &&
		cmp.Equal(from.PrincipalTags, to.PrincipalTags) &&
		from.AllowGuests == to.AllowGuests && cmp.Equal(from.AllowClassic, to.AllowClassic)
	switch {
	case !whose:
		return cognito.ReachEverything
	case !what:
		return cognito.ReachCredentials
	}
	return cognito.ReachNothing
}
