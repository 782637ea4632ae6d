package config

// checkUnbuilt refuses settings that are valid by the contract and that nothing
// serves yet. Accepting them would promise a cache, a check or a backend that is
// not there. What gets built loses its lines here and in docs/configuration.md.
func (c *Config) checkUnbuilt() error {
	switch {
	case len(c.Cache.Redis.Addresses) > 0:
		return refuse("cache.redis.addresses", "the cache in Redis is not built yet", "an empty list")
	case c.Cache.Redis.Sentinel.Master != "":
		return refuse("cache.redis.sentinel.master", "sentinel is not built yet", `""`)
	}
	for i, p := range c.LoginProviders {
		if p.Kind != KindOIDC {
			return refuse(at("login_providers", i)+".kind", "only oidc is built, the others are not built yet", KindOIDC)
		}
	}
	return nil
}
