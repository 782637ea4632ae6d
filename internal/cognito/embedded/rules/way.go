package rules

import (
	"slices"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Way is how a pool takes logins of a provider: whose clients count, how amr tells a user,
// and under which name mappings and tags stand. The zero Way takes none.
type Way uint8

// The ways. A pool that names a provider's ARN takes its logins by that alone: the OpenID
// form of Google and Apple wins over their app's id.
const (
	ByOIDC     Way = 1 // an ARN of an OpenID provider, whose clients stand at the provider
	ByApp      Way = 2 // SupportedLoginProviders: the app's id stands at the pool
	ByUserPool Way = 3 // CognitoIdentityProviders: so do the user pool's app clients
	BySAML     Way = 4 // an ARN of a SAML provider: nobody's clients
)

// Way is how the pool takes logins of the provider of a key in Logins. A user pool that it lists with
// app clients is taken by those, also where an ARN names it too: the ARN says less of its tokens.
func (p *Pool) Way(key string) Way {
	if slices.ContainsFunc(p.UserPools, func(u UserPool) bool { return u.is(key) }) {
		return ByUserPool
	}
	if _, ok := p.OIDCProviderARN(key); ok {
		return ByOIDC
	}
	if _, ok := p.PublicProviders[key]; ok {
		return ByApp
	}
	if slices.Contains(p.SAMLProviderARNs, key) {
		return BySAML
	}
	return 0
}

// Key is the key under which the pool keeps the logins of a provider that Logins names so.
func (p *Pool) Key(named string) string { return loginkey.Normal(named) }

// Accepts reports whether the pool lists the provider of a key in Logins.
func (p *Pool) Accepts(key string) bool { return p.Way(key) != 0 }

// Client is the client for which the pool takes a login that was made for any of audience: the
// one that stands at the pool, by app's id or app client. It is for no other way.
func (p *Pool) Client(key string, audience []string) (client string, ok bool) {
	for _, client := range audience {
		switch p.Way(key) {
		case ByApp:
			ok = p.PublicProviders[key] == client
		case ByUserPool:
			_, ok = p.userPool(key, client)
		}
		if ok && client != "" {
			return client, true
		}
	}
	return "", false
}

// is reports whether a key in Logins is the user pool's.
func (u UserPool) is(key string) bool { return loginkey.Normal(u.Provider) == loginkey.Normal(key) }

// userPool is the pool's entry of an app client.
func (p *Pool) userPool(key, client string) (UserPool, bool) {
	for _, u := range p.UserPools {
		if u.is(key) && u.ClientID == client {
			return u, true
		}
	}
	return UserPool{}, false
}

// ChecksUsers reports whether the pool wants the provider asked for users of any of its clients.
func (p *Pool) ChecksUsers(key string) bool {
	return p.Way(key) == ByUserPool && slices.ContainsFunc(p.UserPools, func(u UserPool) bool {
		return u.is(key) && u.ServerSideTokenCheck != nil && *u.ServerSideTokenCheck
	})
}

// ChecksServerSide reports whether the pool wants the provider asked, before each answer,
// whether the user of a login for the client is still there.
func (p *Pool) ChecksServerSide(key, client string) bool {
	if p.Way(key) != ByUserPool {
		return false
	}
	u, ok := p.userPool(key, client)
	return ok && u.ServerSideTokenCheck != nil && *u.ServerSideTokenCheck
}
