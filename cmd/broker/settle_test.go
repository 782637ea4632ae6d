package main

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cache/fleet"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/settings"
)

// Who begins with the settings of the fleet goes by its generations, who begins with others
// by new ones where they differ; a record that a former key sealed is sealed anew.
func TestSettle(t *testing.T) {
	c := newCompany(t)
	next := make([]byte, 32)
	a := c.front(t, stateOf(1))
	if a.settled.Load() || !a.settles(t).settled.Load() {
		t.Error("got settled before it was, or not then")
	}
	stood := c.raw(t)
	alike, otherwise := c.front(t, stateOf(1), c.seal, next).settles(t), c.front(t, stateOf(2), c.seal, next)
	if alike.of("p") != a.of("p") || alike.of("same") != a.of("same") {
		t.Error("configured alike: got other generations")
	}
	if c.raw(t) != stood {
		t.Error("configured alike: got the record written anew, want it left: the others would read it again")
	}
	if otherwise.of("p") == a.of("p") || otherwise.of("same") == a.of("same") {
		t.Error("before it settled: got generations of the fleet, want its own")
	}
	if otherwise.settles(t); otherwise.of("p") == a.of("p") || otherwise.of("same") != a.of("same") {
		t.Error("configured otherwise: got the generation of what differs, or not that of what does not")
	}
	if back := c.front(t, stateOf(1), c.seal, next).settles(t); back.of("p") == a.of("p") || back.of("same") != a.of("same") {
		t.Error("configured as before: got a generation that had ended, or another of what was always the same")
	} else if moved := c.front(t, stateOf(1), next, c.seal).settles(t); moved.of("p") != back.of("p") {
		t.Error("with the new key first: got other generations")
	} else if dropped := c.front(t, stateOf(1), next).settles(t); dropped.of("p") != back.of("p") {
		t.Error("without the former key: got other generations, want the record sealed anew before")
	}
}

// engineIn is the settler of a broker on the engine, with a store of one pool, and what it
// fenced.
type engineIn struct {
	*settler
	config *config.Config
	store  *store.Store
	fenced []cache.Scope
	during func() error // each fence
}

func (c *company) engine(t *testing.T, path string) *engineIn {
	t.Helper()
	e := &engineIn{config: &config.Config{}, during: func() error { return nil }}
	key, ok := config.ParseKey(base64Key())
	if !ok {
		t.Fatal("no key")
	}
	e.config.Cache.Redis.NameKey = key
	var err error
	if e.store, err = store.Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.store.Close() })
	if err := e.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutPool(rules.Pool{ID: "p"}) }); err != nil {
		t.Fatal(err)
	}
	of := &engineSettings{config: e.config, store: e.store, fence: func(_ context.Context, scopes ...cache.Scope) error {
		if err := e.during(); err != nil {
			return err
		}
		e.fenced = append(e.fenced, scopes...)
		return nil
	}}
	if e.settler, err = newSettler(t.Context(), c.share(t), "engine", &backend{state: of.state, settings: of}, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	return e
}

// What a changed configuration ended is fenced before the fleet hears of the new one, and
// where the fence fails, it does not; whoever comes between is met again.
func TestEngineFencesBeforeItSettles(t *testing.T) {
	c := newCompany(t)
	e := c.engine(t, filepath.Join(t.TempDir(), "data", "broker.db"))
	stands := func() string {
		t.Helper()
		seen, err := e.fleet.ReadSettings(t.Context(), "engine")
		if err != nil {
			t.Fatal(err)
		}
		return string(seen.Text)
	}
	served := func() bool {
		t.Helper()
		state, err := e.state(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ok, err := e.engine.served(t.Context(), state)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if served() {
		t.Error("before it settled: got a store that was served")
	}
	if err := e.settle(t.Context()); err != nil || !served() {
		t.Fatalf("settled: %v, and the store knows: %v", err, served())
	}
	former := stands()
	e.fenced, e.config.STS.Endpoint = nil, "https://other"
	e.during = func() error { return cache.ErrFleet }
	if err := e.settle(t.Context()); !errors.Is(err, cache.ErrFleet) || stands() != former || served() {
		t.Errorf("where the fence fails: got %v, another record: %v, served: %v; want it told, and nothing noted", err, stands() != former, served())
	}
	times := 0
	e.during = func() error {
		if stands() != former {
			t.Error("while what ended is fenced: got the new record already")
		}
		if times++; times == 1 { // another broker writes one
			seen, err := e.fleet.ReadSettings(t.Context(), "engine")
			if err != nil {
				return err
			}
			old, _ := settings.Read(seen.Text)
			old.Units = maps.Clone(old.Units)
			old.Units["pool/other"] = settings.Kept{}
			former = string(old.Spell())
			_, _, err = e.fleet.ReplaceSettings(t.Context(), "engine", seen, old.Spell())
			return err
		}
		return nil
	}
	if err := e.settle(t.Context()); err != nil || times != 2 {
		t.Fatalf("got %v and %d fences, want two: what another wrote meanwhile is met too", err, times)
	}
	slices.Sort(e.fenced)
	if got, want := slices.Compact(e.fenced), []cache.Scope{"c/other", "c/p", "p/other"}; !slices.Equal(got, want) {
		t.Errorf("got %q fenced, want %q", got, want)
	}
	e.fenced = nil
	if err := e.settle(t.Context()); err != nil || e.fenced != nil {
		t.Errorf("once more: got %v, and %q fenced, want nothing", err, e.fenced)
	}
}

// A store that is served with another Redis was not served with the former one meanwhile:
// that must not take it for what it knows when it is there again.
func TestStoreBetweenTwoFleets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "broker.db")
	one, two := newCompany(t), newCompany(t)
	e := one.engine(t, path)
	settles := func(f *fleet.Fleet) (fenced []cache.Scope) {
		t.Helper()
		e.fleet, e.fenced = f, nil
		if err := e.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		return e.fenced
	}
	former, next := e.fleet, two.share(t)
	settles(former)
	if got := settles(former); got != nil {
		t.Errorf("the same fleet again: got %q fenced, want nothing", got)
	}
	settles(next)
	if got := settles(former); !slices.Equal(got, []cache.Scope{"c/p", "p/p"}) {
		t.Errorf("back from another fleet: got %q fenced, want all of the pool", got)
	}
}

// A record that stands is only tended: neither Redis nor the store is written for it.
func TestTendWhatStands(t *testing.T) {
	c := newCompany(t)
	e := c.engine(t, filepath.Join(t.TempDir(), "data", "broker.db"))
	if err := e.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	stood := c.raw(t)
	if err := e.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutServed([]byte("as it was")) }); err != nil {
		t.Fatal(err)
	}
	if err := e.tend(t.Context()); err != nil || c.raw(t) != stood {
		t.Errorf("got %v, another record: %v; want it left", err, c.raw(t) != stood)
	}
	err := e.store.View(t.Context(), func(tx *store.Tx) error {
		if text, err := tx.Served(); err != nil || string(text) != "as it was" {
			t.Errorf("got the store written (%v), want it left", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A store that cannot be marked for a fleet that does not know it is not served with it.
func TestStoreThatCannotBeMarked(t *testing.T) {
	c := newCompany(t)
	path := filepath.Join(t.TempDir(), "data", "broker.db")
	e := c.engine(t, path)
	reader, err := store.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	e.engine.store = reader
	if err := e.settle(t.Context()); err == nil || e.settled.Load() {
		t.Errorf("got %v, settled: %t; want neither", err, e.settled.Load())
	}
	if seen, err := e.fleet.ReadSettings(t.Context(), "engine"); err != nil || seen.Text != nil {
		t.Errorf("the record: got %q (%v), want none", seen.Text, err)
	}
}
