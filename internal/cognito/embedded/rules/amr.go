package rules

import (
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/cognito"
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
		amr = append(amr, l.Provider, amrUser(p, l))
	}
	return amr
}

func amrUser(p *Pool, l Proven) string {
	if l.Provider == p.DeveloperProvider {
		return developerPrefix(p) + l.Subject
	}
	if arn, ok := p.OIDCProviderARN(l.Provider); ok {
		return arn + oidcMark + l.Subject
	}
	if _, ok := p.PublicProviders[l.Provider]; ok {
		return l.Provider + ":" + l.ClientID + ":" + l.Subject
	}
	return l.Provider + userPoolMark + l.Subject
}

const (
	oidcMark     = ":OIDC:"
	userPoolMark = ":CognitoSignIn:"
)

func developerPrefix(p *Pool) string { return p.DeveloperProvider + ":" + p.ID + ":" }

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
		if provider == "" || provider != p.DeveloperProvider && !p.Accepts(provider) {
			return nil, false
		}
		prefix := amrUser(p, Proven{Login: Login{Provider: provider}})
		if _, public := p.PublicProviders[provider]; public {
			prefix = provider + ":" + p.PublicProviders[provider] + ":"
		}
		subject, found := strings.CutPrefix(user, prefix)
		if !found || subject == "" {
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
			if u.Provider == l.Provider {
				proven = append(proven, Proven{Login: l, ClientID: u.ClientID})
			}
		}
	}
	return proven
}
