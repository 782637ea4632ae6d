package config

import (
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/loginkey"
)

const (
	expectedClientID = "1 to 255 visible characters"
	// passThrough is Cognito's own key in Logins; no provider may take it.
	passThrough = "cognito-identity.amazonaws.com"
	// IAM's own bounds.
	maxProviderName, maxClientIDs = 128, 100
)

func validClientID(id string) bool {
	return id != "" && len(id) <= 255 && !strings.ContainsFunc(id, notVisible)
}

func (c *Config) checkLoginProviders() error {
	names := make([]string, 0, len(c.LoginProviders))
	for i := range c.LoginProviders {
		p := &c.LoginProviders[i]
		if err := p.check(at("login_providers", i), c.Mode == ModeDevelopment); err != nil {
			return err
		}
		p.Provider = loginkey.Normal(p.Provider)
		names = append(names, p.Provider)
	}
	if i, ok := repeated(names); ok {
		return refuse(at("login_providers", i)+".provider",
			"stands there twice; the two spellings of a user pool are one", "each provider once")
	}
	return nil
}

func (p *LoginProvider) check(path string, development bool) error {
	if p.Kind.Refused() {
		return refuse(path+".kind", "is "+string(p.Kind)+", whose logins are not taken", "one of "+kindsTaken())
	}
	if !slices.Contains(loginkey.Kinds(), p.Kind) {
		return refuse(path+".kind", "has an unknown value", "one of "+kindsTaken())
	}
	switch {
	case p.Provider == "":
		return refuse(path+".provider", "is missing", "the provider's name, 1 to 128 visible characters")
	case len(p.Provider) > maxProviderName || strings.ContainsFunc(p.Provider, notVisible):
		return refuse(path+".provider", "is not a provider's name", "1 to 128 visible characters")
	case strings.Contains(p.Provider, "://"):
		return refuse(path+".provider", "has a scheme", "the issuer without https://")
	case p.Provider == passThrough:
		return refuse(path+".provider", "is Cognito's own", "another provider")
	}
	if err := p.checkGiven(path); err != nil {
		return err
	}
	return p.checkKind(path, development)
}

// checkOwnKinds refuses as plain OpenID providers those that have a kind of their own:
// OpenID's rules are not all of theirs. A pool that names one by the ARN of an OpenID
// provider asks for just that, as Google documents it.
func (c *Config) checkOwnKinds() error {
	named := map[string]bool{}
	for _, p := range c.Pools {
		for _, arn := range p.OpenIDConnectProviderARNs {
			named[arnProvider(arn)] = true
		}
	}
	for i, p := range c.LoginProviders {
		kind, own := loginkey.KindOf(p.Provider)
		if own && p.Kind == loginkey.OIDC && !named[p.Provider] {
			expected := "kind: " + string(kind) + ", or open_id_connect_provider_arns of a pool that names it"
			if kind.Refused() {
				expected = "open_id_connect_provider_arns of a pool that names it"
			}
			return refuse(at("login_providers", i)+".kind", "is oidc for a provider of the kind "+string(kind), expected)
		}
	}
	return nil
}

func checkClientIDs(path string, ids []string) error {
	if len(ids) == 0 || len(ids) > maxClientIDs {
		return refuse(path, "is empty or too long", "1 to 100 client ids")
	}
	for i, id := range ids {
		if !validClientID(id) {
			return refuse(at(path, i), "is not a client id", expectedClientID)
		}
	}
	return unique(path, ids)
}

func unique(path string, list []string) error {
	if i, ok := repeated(list); ok {
		return refuse(at(path, i), "stands there twice", "each once")
	}
	return nil
}
