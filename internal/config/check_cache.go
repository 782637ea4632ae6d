package config

import (
	"time"
)

func (c *Config) checkCache() error {
	a := &c.Cache
	if err := firstOf(
		func() error { return within("cache.memory.max_entries", a.Memory.MaxEntries, 0, 100_000_000) },
		func() error { return lasting("cache.min_remaining", a.MinRemaining, 0, maxFloor) },
		func() error { return lasting("cache.renew_idle", a.RenewIdle, 0, maxFloor) },
	); err != nil {
		return err
	}
	for i, client := range a.Clients {
		path := at("cache.clients", i)
		if client.UserAgent == nil {
			return refuse(path+".user_agent", "is missing", "a regular expression")
		}
		if err := lasting(path+".min_remaining", client.MinRemaining, 0, maxFloor); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkRedis() error {
	r := &c.Cache.Redis
	return firstOf(
		r.checkAddresses,
		c.checkTiers,
		r.checkTimeouts,
		r.checkMinReplicas,
		r.TLS.check,
		func() error { return checkKeys("cache.redis.keys", r.Keys) },
		r.checkSealing,
	)
}

// checkTiers makes sure that there is a cache at all.
func (c *Config) checkTiers() error {
	if c.Cache.Memory.MaxEntries == 0 && len(c.Cache.Redis.Addresses) == 0 {
		return refuse("cache.memory.max_entries", "is 0 without cache.redis.addresses, so that nothing would be cached",
			"at least 1")
	}
	return nil
}

func (r *Redis) checkAddresses() error {
	for i, a := range r.Addresses {
		if !address(a, false) {
			return refuse(at("cache.redis.addresses", i), "is not an address", "host:port")
		}
	}
	if r.Sentinel.Master != "" && len(r.Addresses) == 0 {
		return refuse("cache.redis.addresses", "is empty while sentinel.master is given", "the addresses of the sentinels")
	}
	return unique("cache.redis.addresses", r.Addresses)
}

func (r *Redis) checkTimeouts() error {
	for _, t := range []struct {
		key   string
		value time.Duration
	}{{"dial_timeout", r.DialTimeout}, {"read_timeout", r.ReadTimeout}, {"write_timeout", r.WriteTimeout}} {
		if err := lasting("cache.redis."+t.key, t.value, time.Millisecond, time.Minute); err != nil {
			return err
		}
	}
	return nil
}

func (r *Redis) checkMinReplicas() error {
	r.deriveMinReplicas()
	if r.MinReplicas < 0 || r.MinReplicas > 10 {
		return refuse("cache.redis.min_replicas", "is out of range", "0 to 10")
	}
	return nil
}

func (t *TLS) check() error {
	const path = "cache.redis.tls"
	if !t.Enabled && *t != (TLS{}) {
		return refuse(path+".enabled", "is false while other keys of tls are set", "true, or none of the others")
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return refuse(path+".cert_file", "and key_file are not given together", "both or neither")
	}
	return nil
}

// checkSealing makes sure that nothing ever stands in Redis in clear.
func (r *Redis) checkSealing() error {
	if len(r.Addresses) > 0 && len(r.Keys) == 0 {
		return refuse("cache.redis.keys", "is empty while addresses are given", "at least one key, made by `broker keys new`")
	}
	if len(r.Addresses) > 0 && r.NameKey.Empty() {
		return refuse("cache.redis.name_key", "is empty while addresses are given", "a key, made by `broker keys new`")
	}
	for _, k := range r.Keys {
		if k.Equal(r.NameKey) {
			return refuse("cache.redis.name_key", "is one of cache.redis.keys", "a key of its own")
		}
	}
	return nil
}
