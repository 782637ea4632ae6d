package config

import (
	"slices"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// developmentPath is where the development identity provider lives below the
// public URL.
const developmentPath = "/dev/idp"

// DevelopmentIssuer returns the issuer of the development identity provider,
// "" when there is none: outside development, or switched off.
func (c *Config) DevelopmentIssuer() string {
	if c.Mode != ModeDevelopment || !c.Development.IdentityProvider {
		return ""
	}
	return c.PublicURL + developmentPath
}

// DevelopmentKeyFile returns the name of the file with that provider's private
// key, beside the store: "" when there is no such provider, or the store keeps
// nothing and so neither does the key.
func (c *Config) DevelopmentKeyFile() string {
	if c.DevelopmentIssuer() == "" || c.Cognito.Store == MemoryStore {
		return ""
	}
	return c.Cognito.Store + ".dev-idp.pem"
}

func (c *Config) checkDevelopment() error {
	d := c.Development
	if d.IdentityProvider && c.Mode != ModeDevelopment {
		return refuse("development.identity_provider", "is refused in production", "false, or mode: development")
	}
	if !validClientID(d.ClientID) {
		return refuse("development.client_id", "is not a client id", expectedClientID)
	}
	return nil
}

// addDevelopmentProvider puts the development provider behind the configured
// ones, and its ARN into each pool of the engine that lacks one for it: that is
// what makes a fresh checkout work without an identity provider.
func (c *Config) addDevelopmentProvider() error {
	issuer := c.DevelopmentIssuer()
	if issuer == "" {
		return nil
	}
	provider := loginkey.Of(issuer)
	if len(provider) > maxProviderName {
		return refuse("public_url", "is too long for the development identity provider's name",
			"a shorter one, or development.identity_provider: false")
	}
	for i, p := range c.LoginProviders {
		if p.Provider == provider {
			return refuse(at("login_providers", i)+".provider", "is the development identity provider's, which adds itself",
				"another one")
		}
	}
	c.LoginProviders = append(c.LoginProviders, LoginProvider{
		Provider:  provider,
		Kind:      loginkey.OIDC,
		Issuer:    issuer,
		ClientIDs: []string{c.Development.ClientID},
	})
	if c.Cognito.Backend == BackendAWS {
		return nil // which providers a pool takes is upstream's to know
	}
	arn := "arn:aws:iam::" + c.Cognito.AccountID + ":oidc-provider/" + provider
	for i := range c.Pools {
		p := &c.Pools[i]
		if !slices.ContainsFunc(p.OpenIDConnectProviderARNs, func(a string) bool { return arnProvider(a) == provider }) {
			p.OpenIDConnectProviderARNs = append(p.OpenIDConnectProviderARNs, arn)
		}
	}
	return nil
}
