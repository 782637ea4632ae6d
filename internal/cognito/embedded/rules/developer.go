package rules

import (
	"maps"
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Texts of the developer call that the service shows, or that nobody recorded.
const (
	msgNoSuchDeveloper = "This identity pool does not support the specified developer provider"
	// The type is the model's; the text is ours (reference, section 11, question 3).
	msgDeveloperTaken = "Developer user is already registered with another identity."
)

// DeveloperUser finds the backend's own user among the logins of a developer
// call (reference 3.5); what remains are public logins with tokens.
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

// maxDeveloperUser is the model's bound of a DeveloperUserIdentifier, which its
// Logins map alone would not keep.
const maxDeveloperUser = 1024

// ResolveDeveloper decides a developer call (reference 3.5): user is trusted,
// public are proven logins beside it. asked is the identity that the call names;
// where it names none, owner is the one that owns some of the logins. Facts are of
// whichever of the two is there. What would merge is a ResourceConflictException.
func ResolveDeveloper(user Login, public []Login, asked, owner *Identity, facts Facts) (Resolution, error) {
	all := append([]Login{user}, public...)
	switch {
	case asked == nil && owner == nil:
		return Resolution{Link: all}, nil
	case asked == nil:
		return joinDeveloper(*owner, user, public, facts)
	}
	taken, linked := facts.Owners[user]
	if linked && taken != asked.ID {
		return Resolution{}, cognito.DeveloperUserAlreadyRegistered(msgDeveloperTaken)
	}
	if asked.State == Authenticated && !linked {
		// A new user may join an identity only beside a login of it: the
		// service holds to that although the caller is privileged.
		own, _, _ := facts.split(asked.ID, public)
		if len(own) == 0 {
			return Resolution{}, cognito.NotAuthorized(cognito.MsgLoginsDontMatch)
		}
	}
	return joinDeveloper(*asked, user, public, facts)
}

// joinDeveloper links what is nobody's to an identity that the user may join. An
// identity may have several developer users, but one login of each public
// provider.
func joinDeveloper(id Identity, user Login, public []Login, facts Facts) (Resolution, error) {
	if id.State != Guest && id.State != Authenticated {
		return Resolution{}, cognito.AccessForbidden(id.ID)
	}
	_, free, foreign := facts.split(id.ID, append([]Login{user}, public...))
	joining := slices.DeleteFunc(slices.Clone(free), func(l Login) bool { return l == user })
	if foreign || secondOfProvider(joining, facts.Linked) {
		return Resolution{}, cognito.ResourceConflict(cognito.MsgAlreadyLinked)
	}
	return Resolution{Identity: id.ID, Link: free}, nil
}
