package rules

import "github.com/cognito-broker/broker/internal/cognito"

// TokenAccess decides whether a genuine token of ours still speaks for an
// identity: it was made for this pool and identity, and all that it says of how
// the user proved himself is still so. A guest's token ends with his sign-in, a
// user's with the unlinking of any login that it names.
func TokenAccess(p *Pool, id Identity, audience, subject string, amr []string, facts Facts) error {
	if audience != p.ID || id.Pool != p.ID || subject != id.ID {
		return cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
	}
	authenticated, ok := AMRState(amr)
	if !ok {
		return cognito.AccessForbidden(id.ID)
	}
	if !authenticated {
		return GuestAccess(p, id)
	}
	logins, ok := AMRLogins(p, amr)
	if !ok || len(logins) == 0 || id.State != Authenticated {
		return cognito.AccessForbidden(id.ID)
	}
	for _, l := range logins {
		if facts.Owners[l] != id.ID {
			return cognito.AccessForbidden(id.ID)
		}
	}
	return nil
}

// TokenRole is the one role that a pool hands out to whoever presents a token of
// ours, whatever role he asks for: the one that is due to him in the enhanced flow.
// A token carries no claims, so no rule of a mapping gives it a role.
func TokenRole(p *Pool, account string, amr []string) (string, error) {
	authenticated, ok := AMRState(amr)
	if !ok {
		return "", cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
	}
	var proven []Proven
	if authenticated {
		proven = AMRProven(p, amr)
	}
	return ChooseRole(p, account, proven, "").Result()
}
