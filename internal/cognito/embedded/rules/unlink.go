package rules

import (
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Unlink decides UnlinkIdentity (docs/cognito.md#unlinking): proven are the call's logins,
// remove the providers whose logins go. It returns those logins, and whether the
// identity keeps any.
//
// A provider that is not linked is passed over: whoever repeats a call whose
// answer was lost gets the same answer (docs/fidelity.md#identities-and-logins).
func Unlink(p *Pool, id Identity, proven []Login, remove []string, facts Facts) (gone []Login, left bool, err error) {
	if id.State == Disabled {
		return nil, false, cognito.AccessForbidden(id.ID)
	}
	own, _, foreign := facts.split(id.ID, proven)
	if len(own) == 0 {
		return nil, false, cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
	}
	if len(foreign) > 0 {
		return nil, false, cognito.ResourceConflict(cognito.MsgAlreadyLinked)
	}
	if p.DeveloperProvider != "" && slices.Contains(remove, p.DeveloperProvider) {
		return nil, false, cognito.InvalidParameter("A developer user is unlinked by UnlinkDeveloperIdentity.")
	}
	for _, l := range facts.Linked[id.ID] {
		if slices.Contains(remove, l.Provider) {
			gone = append(gone, l)
		}
	}
	return gone, len(gone) < len(facts.Linked[id.ID]), nil
}
