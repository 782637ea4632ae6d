package rules

import (
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// The first entry of a token's amr.
const (
	amrAuthenticated   = "authenticated"
	amrUnauthenticated = "unauthenticated"
)

// Proven is a login that a call proved.
type Proven struct {
	Login
	ClientID string // for which the token was made; empty for developer users
	Claims   Claims // of the token; nil for developer users
}

// AMR states how a call was authenticated, in the words of an OpenID token
// (docs/cognito.md#the-openid-token): each provider of this call with the form that
// tells its user.
func AMR(p *Pool, proven []Proven) []string {
	if len(proven) == 0 {
		return []string{amrUnauthenticated}
	}
	amr := []string{amrAuthenticated}
	for _, l := range proven {
		amr = append(amr, l.Provider, amrUser(p, l.Provider).Of(l.Subject))
	}
	return amr
}

// amrUser is the form in which amr tells the provider's users: by how the pool takes them.
func amrUser(p *Pool, provider string) loginkey.User {
	if provider == p.DeveloperProvider && provider != "" {
		return loginkey.ByDeveloper(provider, p.ID)
	}
	switch p.Way(provider) {
	case ByOIDC:
		arn, _ := p.OIDCProviderARN(provider)
		return loginkey.ByOIDC(arn)
	case ByApp:
		return loginkey.ByApp(provider, p.PublicProviders[provider])
	case ByUserPool:
		return loginkey.ByUserPool(provider)
	case BySAML:
		return loginkey.BySAML(provider)
	}
	return loginkey.User{}
}

// AMRState reports whether an amr is of a user, rather than of a guest. One
// that says both, or neither, is of nobody: ok is false.
func AMRState(amr []string) (authenticated, ok bool) {
	user, guest := slices.Contains(amr, amrAuthenticated), slices.Contains(amr, amrUnauthenticated)
	return user, user != guest
}

// AMRLogins reads the logins out of an amr that AMR made for this pool, or that
// it would have made before a provider was taken from the pool: then ok is
// false, for the login is no longer accepted.
func AMRLogins(p *Pool, amr []string) (logins []Login, ok bool) {
	if len(amr)%2 != 1 {
		return nil, false
	}
	for i := 1; i < len(amr); i += 2 {
		provider, user := amr[i], amr[i+1]
		subject, known := amrUser(p, provider).Subject(user)
		if !known {
			return nil, false
		}
		logins = append(logins, Login{Provider: provider, Subject: subject})
	}
	return logins, true
}

// AMRProven is what a token of Cognito's own stands for where a role is chosen. It
// carries no claims. One that a backend asked for has the role that its user is
// due; any other was made for a login, whose role mapping it must not get round: it
// counts as that login with no claims at all, and, since it does not tell the app
// client of a user pool, as a login at each of them.
func AMRProven(p *Pool, amr []string) []Proven {
	logins, ok := AMRLogins(p, amr)
	if !ok || slices.ContainsFunc(logins, func(l Login) bool { return l.Provider == p.DeveloperProvider }) {
		return []Proven{{Login: Login{Provider: cognito.PassThrough}}}
	}
	var proven []Proven
	for _, l := range logins {
		proven = append(proven, Proven{Login: l})
		for _, u := range p.UserPools {
			if u.is(l.Provider) {
				proven = append(proven, Proven{Login: l, ClientID: u.ClientID})
			}
		}
	}
	return proven
}
