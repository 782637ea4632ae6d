package config

import "github.com/cognito-broker/broker/internal/loginkey"

// checkUnbuilt refuses settings that are valid by the contract and that nothing
// serves yet. Accepting them would promise a cache, a check or a backend that is
// not there. What gets built loses its lines here and in docs/configuration.md.
func (c *Config) checkUnbuilt() error {
	for i, p := range c.LoginProviders {
		if p.Kind != loginkey.OIDC {
			return refuse(at("login_providers", i)+".kind", "only oidc is built, the others are not built yet",
				string(loginkey.OIDC))
		}
	}
	return nil
}
