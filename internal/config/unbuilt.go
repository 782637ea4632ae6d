package config

import (
	"slices"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// built are the kinds whose logins package logins proves.
var built = []loginkey.Kind{
	loginkey.OIDC, loginkey.UserPool, loginkey.Google, loginkey.Apple, loginkey.Facebook, loginkey.Amazon,
}

// checkUnbuilt refuses settings that are valid by the contract and that nothing
// serves yet. Accepting them would promise a cache, a check or a backend that is
// not there. What gets built loses its lines here and in docs/configuration.md.
func (c *Config) checkUnbuilt() error {
	for i, p := range c.LoginProviders {
		if !slices.Contains(built, p.Kind) {
			return refuse(at("login_providers", i)+".kind", "is "+string(p.Kind)+", which is not built yet", "another kind")
		}
	}
	return nil
}
