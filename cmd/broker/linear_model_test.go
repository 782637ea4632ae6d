package main

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
)

// check asks whether the history is linearizable. A call that was cut off ended at
// the latest with the broker.
func (h *history) check() porcupine.CheckResult {
	for n := range h.ops {
		if o := &h.ops[n]; o.Output == nil {
			o.Return = max(o.Return, h.died)
		}
	}
	return linearizable(h.pool, h.caller.Developer, h.ops)
}

// linearizable asks whether calls on a pool, which was new, can be put into an
// order that explains their answers.
func linearizable(pool, developer string, ops []porcupine.Operation) porcupine.CheckResult {
	spec := porcupine.NondeterministicModel{
		Init: func() []any {
			return []any{spell(model.New(false, model.Pool{ID: pool, Guests: true, Classic: true, Developer: developer}))}
		},
		Step:  follow,
		Equal: func(a, b any) bool { return a.(spelled).key == b.(spelled).key },
		Hash: func(s any) uint64 {
			f := fnv.New64a()
			f.Write([]byte(s.(spelled).key))
			return f.Sum64()
		},
	}
	return porcupine.CheckOperationsTimeout(spec.ToModel(), ops, checkTime)
}

// spelled is a world with its key, which is compared often.
type spelled struct {
	world model.World
	key   string
}

func spell(w model.World) spelled { return spelled{w, w.Key()} }

// unseen begins the name of an identity whose id nobody was told: the call that
// made it was cut off.
const unseen = "?"

// follow lists the worlds in which a call may leave one, with the answer that it
// got. Without an answer it may not have happened.
func follow(state, input, output any) (next []any) {
	w, op := state.(spelled).world, input.(numbered)
	got, answered := output.(model.Answer)
	if !answered {
		next = append(next, state)
		for _, o := range w.Do(op.Op, fmt.Sprint(unseen, op.n)) {
			next = append(next, spell(o.World))
		}
		return next
	}
	for _, w := range see(w, got.Identity) {
		fresh := fmt.Sprint(unseen, op.n)
		if !w.Known(got.Identity) {
			fresh = got.Identity
		}
		for _, o := range w.Do(op.Op, fresh) {
			want, shown := o.Answer, got
			want.List, shown.List = hide(w, want.List), hide(w, got.List)
			if want.Matches(shown) {
				next = append(next, spell(o.World))
			}
		}
	}
	return next
}

// see lists what a world may be once an id is told: one that is new may be that of
// any identity which nobody had seen.
func see(w model.World, id string) []model.World {
	worlds := []model.World{w}
	if id == "" || w.Known(id) {
		return worlds
	}
	for _, i := range w.Identities() {
		if strings.HasPrefix(i.ID, unseen) {
			worlds = append(worlds, w.Rename(i.ID, id))
		}
	}
	return worlds
}

// hide replaces ids that nobody was told in the answer of a list of identities.
// That such are as many and have the same providers is all that is compared.
func hide(w model.World, list []string) []string {
	var hidden []string
	for _, entry := range list {
		if id, rest, ok := strings.Cut(entry, " "); ok && (strings.HasPrefix(id, unseen) || !w.Known(id)) {
			entry = unseen + " " + rest
		}
		hidden = append(hidden, entry)
	}
	slices.Sort(hidden)
	return hidden
}
