package main

import (
	"context"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/settings"
)

// engineSettings is what a broker on the engine does about settings that changed:
// brokers in front of it keep what it answered, and only a fence ends that.
type engineSettings struct {
	config *config.Config
	files  signers // of the login providers
	store  *store.Store
	fence  func(ctx context.Context, scopes ...cache.Scope) error
}

// state is what the engine answers by.
func (e *engineSettings) state(ctx context.Context) (state settings.State, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		pools, err := tx.Pools()
		if err != nil {
			return err
		}
		marks, err := tx.Marks()
		state = engineState(e.config, e.files, pools, marks)
		return err
	})
	return state, err
}

// renew marks the whole store.
func (e *engineSettings) renew(ctx context.Context) error {
	return e.store.Update(ctx, (*store.Tx).MarkStore)
}

// alone marks the store of a broker without Redis, if it was served with one: that one
// does not hear of what changes now.
func (e *engineSettings) alone(ctx context.Context) error {
	var before []byte
	err := e.store.View(ctx, func(tx *store.Tx) (err error) { before, err = tx.Served(); return err })
	if err != nil || before == nil {
		return err
	}
	return e.renew(ctx)
}

// served reports whether the store was served before under settings that allowed no
// more than these: there is nothing to end.
func (e *engineSettings) served(ctx context.Context, state settings.State) (bool, error) {
	var text []byte
	err := e.store.View(ctx, func(tx *store.Tx) (err error) { text, err = tx.Served(); return err })
	if err != nil {
		return false, err
	}
	before, err := settings.Read(text)
	if err != nil {
		return false, nil // never, or not as this broker knows it
	}
	return !slices.ContainsFunc(before.Withdrawn(state), func(name string) bool {
		_, there := state[name]
		ofPool := strings.HasPrefix(name, unitPool) || strings.HasPrefix(name, unitCredentials)
		return there || !ofPool // a pool that is gone was deleted through the API, within a fence
	}), nil
}

// remember keeps for served what Redis knows now.
func (e *engineSettings) remember(ctx context.Context, r settings.Record) error {
	return e.store.Update(ctx, func(tx *store.Tx) error { return tx.PutServed(r.Spell()) })
}

// fencedAtOnce bounds the scopes of one fence.
const fencedAtOnce = 128

// end ends, in the whole fleet, what rests on units that ended. Pools that the store has no
// more are among them.
func (e *engineSettings) end(ctx context.Context, ended []string) error {
	var pools []rules.Pool
	if err := e.store.View(ctx, func(tx *store.Tx) (err error) { pools, err = tx.Pools(); return err }); err != nil {
		return err
	}
	for scopes := range slices.Chunk(endedScopes(ended, pools), fencedAtOnce) {
		if err := e.fence(ctx, scopes...); err != nil {
			return err
		}
	}
	return nil
}

// endedScopes are what rests on units of the engine, each once.
func endedScopes(ended []string, pools []rules.Pool) []cache.Scope {
	var scopes []cache.Scope
	for _, name := range ended {
		if id, ok := strings.CutPrefix(name, unitPool); ok {
			scopes = append(scopes, cache.PoolScopes(id)...)
			continue
		}
		if id, ok := strings.CutPrefix(name, unitCredentials); ok {
			scopes = append(scopes, cache.CredentialsScope(id))
			continue
		}
		if provider, ok := strings.CutPrefix(name, unitProvider); ok {
			for i := range pools {
				if pools[i].Accepts(provider) {
					scopes = append(scopes, cache.PoolScopes(pools[i].ID)...)
				}
			}
			continue
		}
		for i := range pools {
			if scopes = append(scopes, cache.CredentialsScope(pools[i].ID)); name == unitAll {
				scopes = append(scopes, cache.PoolScope(pools[i].ID))
			}
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
