package model

import "slices"

// developer follows docs/cognito.md#developer-users.
func (w World) developer(op Op, fresh string) []Outcome {
	user := Login{Provider: w.pools[op.Pool].Developer, Subject: op.User}
	all := append([]Login{user}, op.Logins...)
	i, ok := w.Identity(op.Identity)
	if op.Identity != "" && (!ok || i.Pool != op.Pool) {
		return w.unknown(op.Identity)
	}
	if bad := w.unproven(op, true); bad != nil {
		return bad
	}
	owner, known := w.Owner(op.Pool, user)
	switch {
	case op.Identity == "" && known: // the user's own survives any merge
		own, _ := w.Identity(owner)
		return w.resolve(own, all)
	case op.Identity == "":
		return w.join(op.Pool, all, fresh)
	}
	if heir, ok := w.heir(i); ok && heir.hasAny(all) {
		i = heir
	}
	if known && owner != i.ID {
		return w.refuse(registered, "")
	}
	return w.resolve(i, all)
}

// merge follows docs/cognito.md#merging.
func (w World) merge(op Op) []Outcome {
	provider := w.pools[op.Pool].Developer
	from, known := w.Owner(op.Pool, Login{provider, op.User})
	into, knownToo := w.Owner(op.Pool, Login{provider, op.Into})
	switch {
	case op.User == op.Into:
		return w.refuse(invalidParameter, "")
	case !known || !knownToo:
		return w.refuse(notFound, "")
	case from == into: // merged already
		return w.answer(Answer{Identity: into})
	}
	return w.unite(into, []string{from}, nil)
}

// unlink follows docs/cognito.md#unlinking for public logins.
func (w World) unlink(op Op) []Outcome {
	i, ok := w.Identity(op.Identity)
	if !ok {
		return w.unknown(op.Identity)
	}
	if len(op.Logins) == 0 && op.User == "" {
		return w.forbidden(i.ID)
	}
	if bad := w.unproven(op, false); bad != nil {
		return bad
	}
	switch {
	case i.State == Disabled:
		return w.forbidden(i.ID)
	case !i.hasAny(op.Logins):
		return w.refuse(notAuthorized, mismatch)
	case len(w.owners(i.Pool, op.Logins, i.ID)) > 0:
		return w.refuse(conflict, "")
	case slices.Contains(op.Remove, w.pools[i.Pool].Developer):
		return w.refuse(invalidParameter, "")
	}
	return w.take(i, func(l Login) bool { return slices.Contains(op.Remove, l.Provider) })
}

// unlinkDeveloper is the second half.
func (w World) unlinkDeveloper(op Op) []Outcome {
	user := Login{Provider: w.pools[op.Pool].Developer, Subject: op.User}
	i, ok := w.Identity(op.Identity)
	_, known := w.Owner(op.Pool, user)
	switch {
	case !ok || i.Pool != op.Pool:
		return w.unknown(op.Identity)
	case !known:
		return w.refuse(notFound, "")
	case !i.has(user):
		return w.refuse(conflict, "")
	}
	return w.take(i, func(l Login) bool { return l == user })
}

// take takes logins from an identity, which without any left is disabled for good.
func (w World) take(i Identity, gone func(Login) bool) []Outcome {
	i.Logins = slices.DeleteFunc(slices.Clone(i.Logins), gone)
	if len(i.Logins) == 0 {
		i.State = Disabled
	}
	return w.with(i).answer(Answer{})
}
