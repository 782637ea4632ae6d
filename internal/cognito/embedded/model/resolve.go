package model

import "slices"

// maxLogins is what an identity may have after a merge (docs/cognito.md#merging).
const maxLogins = 20

// getID follows docs/cognito.md#getid.
func (w World) getID(op Op, fresh string) []Outcome {
	if len(op.Logins) == 0 && op.User == "" {
		if !w.pools[op.Pool].Guests {
			return w.refuse(notAuthorized, noGuests)
		}
		return w.with(Identity{ID: fresh, Pool: op.Pool, State: Guest}).answer(Answer{Identity: fresh})
	}
	if bad := w.unproven(op, false); bad != nil {
		return bad
	}
	return w.join(op.Pool, op.Logins, fresh)
}

// join is a call that names no identity: the owner of its logins answers, the
// eldest of several, and all become one; nobody's make a new identity.
func (w World) join(pool string, logins []Login, fresh string) []Outcome {
	owners := w.owners(pool, logins, "")
	if len(owners) == 0 {
		i := Identity{ID: fresh, Pool: pool, State: Authenticated, Logins: slices.Clone(logins)}
		return w.with(i).answer(Answer{Identity: fresh})
	}
	return w.eldestTakes(owners, nil, logins)
}

// enter follows docs/cognito.md#entering-an-identity.
func (w World) enter(op Op) []Outcome {
	i, ok := w.Identity(op.Identity)
	if !ok {
		return w.unknown(op.Identity)
	}
	pool := w.pools[i.Pool]
	if op.Name == "GetOpenIdToken" && !pool.Classic {
		return w.refuse(invalidParameter, classicOff)
	}
	if len(op.Logins) == 0 && op.User == "" {
		switch {
		case !pool.Guests:
			return w.refuse(notAuthorized, noGuests)
		case i.State == Guest:
			return w.answer(Answer{Identity: i.ID})
		}
		return w.forbidden(i.ID)
	}
	if bad := w.unproven(op, false); bad != nil {
		return bad
	}
	return w.resolve(i, op.Logins)
}

// resolve is rows 5 to 12.
func (w World) resolve(i Identity, logins []Login) []Outcome {
	others := w.owners(i.Pool, logins, i.ID)
	switch {
	case i.State == Guest && len(others) == 0: // row 7
		return w.unite(i.ID, nil, logins)
	case i.State == Guest: // row 8
		return w.eldestTakes(others, []string{i.ID}, logins)
	case i.State == Authenticated && i.hasAny(logins): // rows 5, 6, 9 and 11
		return w.unite(i.ID, others, logins)
	case i.State == Authenticated: // row 10
		return w.refuse(notAuthorized, mismatch)
	}
	if heir, ok := w.heir(i); ok && heir.hasAny(logins) { // row 12
		return w.resolve(heir, logins)
	}
	return w.forbidden(i.ID)
}

// heir is who has the logins of an identity that lost a merge.
func (w World) heir(i Identity) (Identity, bool) {
	for i.Became != "" {
		i = w.identities[w.index(i.Became)]
	}
	return i, i.State == Authenticated
}

// owners are those who own any of the logins, but for one.
func (w World) owners(pool string, logins []Login, but string) (ids []string) {
	for _, i := range w.identities {
		if i.Pool == pool && i.ID != but && i.hasAny(logins) {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// eldestTakes unites several identities, of which the eldest survives, with
// others. Where ages are not known it may be any of them.
func (w World) eldestTakes(candidates, others []string, logins []Login) (all []Outcome) {
	for _, survivor := range candidates { // in the order of their ages
		losers := slices.DeleteFunc(slices.Clone(candidates), func(id string) bool { return id == survivor })
		all = append(all, w.unite(survivor, append(losers, others...), logins)...)
		if w.ages {
			break
		}
	}
	return all
}

// unite gives one identity all that others have, and logins of nobody. It must
// not end up with two users of one public provider, nor with too many logins.
func (w World) unite(survivor string, others []string, logins []Login) []Outcome {
	i, _ := w.Identity(survivor)
	i.State, i.Logins = Authenticated, slices.Clone(i.Logins)
	next := w
	for _, id := range others {
		loser, _ := w.Identity(id)
		i.Logins = append(i.Logins, loser.Logins...)
		next = next.with(Identity{ID: id, Pool: loser.Pool, State: Disabled, Became: survivor})
	}
	for _, l := range logins {
		if !i.has(l) {
			i.Logins = append(i.Logins, l)
		}
	}
	users := map[string]int{}
	for _, l := range i.Logins {
		users[l.Provider]++
	}
	delete(users, w.pools[i.Pool].Developer)
	for _, n := range users {
		if n > 1 {
			return w.refuse(conflict, alreadyLinked)
		}
	}
	if len(others) > 0 && len(i.Logins) > maxLogins {
		return w.refuse(conflict, "")
	}
	return next.with(i).answer(Answer{Identity: survivor})
}
