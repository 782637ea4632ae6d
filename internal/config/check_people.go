package config

import "strings"

const (
	expectedClientID = "1 to 255 visible characters"
	// passThrough is Cognito's own key in Logins; no provider may take it.
	passThrough = "cognito-identity.amazonaws.com"
	// IAM's own bounds.
	maxProviderName, maxClientIDs = 128, 100
	maxCallers                    = 1000
)

func validClientID(id string) bool {
	return id != "" && len(id) <= 255 && !strings.ContainsFunc(id, notVisible)
}

func (c *Config) checkLoginProviders() error {
	names := make([]string, 0, len(c.LoginProviders))
	for i := range c.LoginProviders {
		p := &c.LoginProviders[i]
		if err := p.check(at("login_providers", i)); err != nil {
			return err
		}
		names = append(names, p.Provider)
	}
	if i, ok := repeated(names); ok {
		return refuse(at("login_providers", i)+".provider", "stands there twice", "each provider once")
	}
	return nil
}

func (p *LoginProvider) check(path string) error {
	err := oneOf(path+".kind", p.Kind, KindOIDC,
		"user_pool", "google", "apple", "facebook", "amazon", "twitter", "digits", "saml")
	if err != nil {
		return err
	}
	switch {
	case p.Provider == "" || len(p.Provider) > maxProviderName || strings.ContainsFunc(p.Provider, notVisible):
		return refuse(path+".provider", "is not a provider's name", "1 to 128 visible characters")
	case strings.Contains(p.Provider, "://"):
		return refuse(path+".provider", "has a scheme", "the issuer without https://")
	case p.Provider == passThrough:
		return refuse(path+".provider", "is Cognito's own", "another provider")
	}
	if p.Kind != KindOIDC {
		return nil
	}
	if err := checkURL(path+".issuer", p.Issuer); err != nil {
		return err
	}
	if withoutScheme(p.Issuer) != p.Provider {
		return refuse(path+".provider", "differs from the issuer", "the issuer without its scheme, to the letter")
	}
	return checkClientIDs(path+".client_ids", p.ClientIDs)
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

func (c *Config) checkCallers() error {
	if len(c.Callers) > maxCallers {
		return refuse("callers", "is too long", "at most 1000 callers")
	}
	for i := range c.Callers {
		path, a := at("callers", i), &c.Callers[i]
		if err := a.check(path); err != nil {
			return err
		}
		for j := range i {
			b := &c.Callers[j]
			switch {
			case a.Name == b.Name:
				return refuse(path+".name", "is the name of "+at("callers", j), "a name of its own")
			case a.AccessKeyID == b.AccessKeyID:
				return refuse(path+".access_key_id", "is that of "+at("callers", j), "one of its own")
			case a.APIKey.Equal(b.APIKey):
				return refuse(path+".api_key", "is that of "+at("callers", j), "one of its own")
			}
		}
	}
	return nil
}

func (a *Caller) check(path string) error {
	if err := firstOf(
		func() error {
			return form(path+".name", consists(a.Name, wordRunes+".-", 1, 64), "1 to 64 letters, digits, _ . -")
		},
		func() error {
			return form(path+".access_key_id", consists(a.AccessKeyID, wordRunes, 16, 128), "16 to 128 letters, digits or _")
		},
		func() error { return credential(path+".secret_access_key", a.SecretAccessKey, 1) },
		func() error { return credential(path+".api_key", a.APIKey, 16) },
	); err != nil {
		return err
	}
	if len(a.Scopes) == 0 {
		return refuse(path+".scopes", "is empty", "at least one of developer, admin, explain")
	}
	for i, s := range a.Scopes {
		if err := oneOf(at(path+".scopes", i), s, ScopeDeveloper, ScopeAdmin, ScopeExplain); err != nil {
			return err
		}
	}
	if err := unique(path+".scopes", a.Scopes); err != nil {
		return err
	}
	return callerPools(path+".pools", a.Pools)
}

func callerPools(path string, pools []string) error {
	if len(pools) == 0 {
		return refuse(path, "is empty", `pool ids, or "*" for all`)
	}
	for i, p := range pools {
		if p != AnyPool && !validPoolID(p) {
			return refuse(at(path, i), "is not a pool id", expectedPoolID+`, or "*" for all`)
		}
	}
	return unique(path, pools)
}

// credential checks what is compared with a header: a character that no header
// carries would make it one that never matches.
func credential(path string, s Secret, least int) error {
	text := s.Reveal()
	switch {
	case s.Empty():
		return refuse(path, "is empty", "a secret")
	case len(text) < least:
		return refuse(path, "is too short", "at least 16 bytes")
	case len(text) > 1024 || strings.ContainsFunc(text, notVisible):
		return refuse(path, "is too long or holds blanks or other unusual characters", "at most 1024 visible ASCII characters")
	}
	return nil
}

func unique(path string, list []string) error {
	if i, ok := repeated(list); ok {
		return refuse(at(path, i), "stands there twice", "each once")
	}
	return nil
}
