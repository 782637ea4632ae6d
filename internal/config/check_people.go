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
	named := c.namedByARN()
	names := make([]string, 0, len(c.LoginProviders))
	for i := range c.LoginProviders {
		p := &c.LoginProviders[i]
		if err := p.check(at("login_providers", i), c.Mode == ModeDevelopment, named); err != nil {
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

// check checks a provider's keys. named are the providers that pools name by the ARN of an OpenID
// provider.
func (p *LoginProvider) check(path string, development bool, named map[string]bool) error {
	if p.Kind.Refused() {
		return refuse(path+".kind", "is "+string(p.Kind)+", whose logins are not taken", "one of "+kindsTaken())
	}
	switch {
	case p.Kind == "":
		return refuse(path+".kind", "is missing", "one of "+kindsTaken())
	case !slices.Contains(loginkey.Kinds(), p.Kind):
		return refuse(path+".kind", "has an unknown value", "one of "+kindsTaken())

	case p.Provider == "":
		return refuse(path+".provider", "is missing", "the provider's name, 1 to 128 visible characters")
	case len(p.Provider) > maxProviderName || strings.ContainsFunc(p.Provider, notVisible):
		return refuse(path+".provider", "is not a provider's name", "1 to 128 visible characters")
	case strings.Contains(p.Provider, "://"):
		return refuse(path+".provider", "has a scheme", "the issuer without https://")
	case p.Provider == passThrough:
		return refuse(path+".provider", "is Cognito's own", "another provider")
	}
	return firstOf(
		func() error { return p.checkOwnKind(path, named[loginkey.Normal(p.Provider)]) },
		func() error { return p.checkGiven(path) },
		func() error { return p.checkKind(path, development) },
	)
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
