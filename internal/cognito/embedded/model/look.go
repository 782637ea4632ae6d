package model

import (
	"slices"
	"strings"
)

// lookup follows docs/cognito.md#lookup.
func (w World) lookup(op Op) []Outcome {
	provider := w.pools[op.Pool].Developer
	i, ok := w.Identity(op.Identity)
	owner, known := w.Owner(op.Pool, Login{provider, op.User})
	switch {
	case op.Identity == "" && op.User == "":
		return w.refuse(invalidParameter, "")
	case op.Identity != "" && (!ok || i.Pool != op.Pool):
		return w.unknown(op.Identity)
	case op.User == "":
		return w.answer(Answer{Identity: i.ID, List: i.Users(provider)})
	case op.Identity != "" && owner != op.Identity:
		return w.refuse(conflict, "")
	case !known:
		return w.refuse(notFound, "")
	}
	return w.answer(Answer{Identity: owner, List: []string{op.User}})
}

// delete and what is below follow docs/cognito.md#administering-identities. One that
// is gone counts as deleted.
func (w World) delete(op Op) []Outcome {
	i, ok := w.Identity(op.Identity)
	if !ok {
		return w.answer(Answer{})
	}
	return w.with(Identity{ID: i.ID, Pool: i.Pool, State: Deleted, Became: i.Became}).answer(Answer{})
}

func (w World) describe(op Op) []Outcome {
	i, ok := w.Identity(op.Identity)
	if !ok {
		return w.unknown(op.Identity)
	}
	return w.answer(Answer{Identity: i.ID, List: i.Providers()})
}

func (w World) list(op Op) []Outcome {
	var list []string
	for _, i := range w.identities {
		if i.Pool == op.Pool && i.State != Deleted && !(op.Hide && i.State == Disabled) {
			list = append(list, Entry(i.ID, i.Providers()))
		}
	}
	slices.Sort(list)
	return w.answer(Answer{List: list})
}

// Entry spells an identity in the answer of a list.
func Entry(id string, providers []string) string { return id + " " + strings.Join(providers, " ") }
