package rules

import (
	"maps"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Texts of the developer call that the service shows, or that nobody recorded.
const (
	msgNoSuchDeveloper = "This identity pool does not support the specified developer provider"
	// The type is the model's; the text is ours
	// (docs/fidelity.md#developer-identities).
	msgDeveloperTaken = "Developer user is already registered with another identity."
	// Likewise ours, for types that are inferred.
	msgUnknownUser        = "Developer user identifier not found."
	msgUnknownSource      = "Source user identifier not found."
	msgUnknownDestination = "Destination user identifier not found."
	msgNotLinked          = "Developer user identifier and identity are not linked to each other."
)

// DeveloperUser finds the backend's own user among the logins of a developer
// call (docs/cognito.md#developer-users); what remains are public logins with tokens.
func DeveloperUser(p *Pool, logins map[string]string) (user Login, public map[string]string, err error) {
	identifier, ok := logins[p.DeveloperProvider]
	if !ok || p.DeveloperProvider == "" {
		return Login{}, nil, cognito.InvalidParameter(msgNoSuchDeveloper)
	}
	if n := len([]rune(identifier)); n > maxDeveloperUser {
		return Login{}, nil, cognito.InvalidParameter("The developer user identifier is longer than 1024 characters.")
	}
	public = maps.Clone(logins)
	delete(public, p.DeveloperProvider)
	return Login{Provider: p.DeveloperProvider, Subject: identifier}, public, nil
}

// CheckDeveloper refuses another developer provider than the pool's.
func CheckDeveloper(p *Pool, provider string) error {
	if provider != p.DeveloperProvider || provider == "" {
		return cognito.InvalidParameter(msgNoSuchDeveloper)
	}
	return nil
}

// maxDeveloperUser is the model's bound of a DeveloperUserIdentifier, which its
// Logins map alone would not keep.
const maxDeveloperUser = 1024

// ResolveDeveloper decides a developer call (docs/cognito.md#developer-users): user is
// trusted, public are proven logins beside it. asked is the identity that the call names;
// nil where it names none.
func ResolveDeveloper(p *Pool, user Login, public []Login, asked *Identity, facts Facts) (Resolution, error) {
	all := append([]Login{user}, public...)
	owner, known := facts.Owners[user]
	if asked == nil {
		return joinDeveloper(p, owner, all, facts)
	}
	if survivor, ok := facts.survivor(*asked); ok {
		if mine, _, _ := facts.split(survivor.ID, all); len(mine) > 0 {
			asked = &survivor
		}
	}
	if known && owner != asked.ID {
		return Resolution{}, cognito.DeveloperUserAlreadyRegistered(msgDeveloperTaken)
	}
	// A new user may join an identity only beside a login of it: the service holds
	// to that although the caller is privileged.
	return Resolve(p, *asked, all, facts)
}

// joinDeveloper decides where the call names no identity: the user's own survives
// any merge; a user whom nobody knows joins the owner of the public logins.
func joinDeveloper(p *Pool, owner string, all []Login, facts Facts) (Resolution, error) {
	if owner == "" {
		return ResolveNew(p, all, facts)
	}
	return Resolve(p, facts.Identities[owner], all, facts)
}

// MergeDevelopers decides MergeDeveloperIdentities (docs/cognito.md#merging): the
// destination's identity survives. Two users of one identity were merged already:
// whoever repeats a call whose answer was lost gets the same answer.
func MergeDevelopers(p *Pool, source, destination Login, facts Facts) (Resolution, error) {
	if source == destination {
		return Resolution{}, cognito.InvalidParameter("SourceUserIdentifier and DestinationUserIdentifier are the same.")
	}
	from, known := facts.Owners[source]
	if !known {
		return Resolution{}, cognito.ResourceNotFound(msgUnknownSource)
	}
	to, known := facts.Owners[destination]
	if !known {
		return Resolution{}, cognito.ResourceNotFound(msgUnknownDestination)
	}
	if from == to {
		return Resolution{Identity: to}, nil
	}
	return settle(p, facts.Identities[to], []Identity{facts.Identities[from]}, nil, facts)
}

// UnlinkDeveloper decides UnlinkDeveloperIdentity (docs/cognito.md#unlinking), and whether
// the identity keeps any login.
func UnlinkDeveloper(id Identity, user Login, facts Facts) (left bool, err error) {
	owner, known := facts.Owners[user]
	switch {
	case !known:
		return false, cognito.ResourceNotFound(msgUnknownUser)
	case owner != id.ID:
		return false, cognito.ResourceConflict(msgNotLinked)
	}
	return len(facts.Linked[id.ID]) > 1, nil
}

// NotLinked is the answer of a lookup for a user and an identity that do not
// belong together.
func NotLinked() error { return cognito.ResourceConflict(msgNotLinked) }

// UnknownDeveloper is the answer for a user who is linked to nobody.
func UnknownDeveloper() error { return cognito.ResourceNotFound(msgUnknownUser) }
