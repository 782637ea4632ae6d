package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Texts of warnings of login providers, and of how pools list them.
const (
	warnUnlisted  = "is listed by no pool here: it counts only for pools that the API makes"
	warnNotAsked  = "is true, and no pool's entry for it has server_side_token_check: true: no user is asked for"
	warnClientIDs = "has no effect: every pool here takes the provider by supported_login_providers, which names " +
		"the app; client_ids are for pools that name it in open_id_connect_provider_arns"
	warnListed       = "names an ARN of another account than cognito.account_id"
	warnSeveralApps  = "is compared as a whole, as the id of one app, and no token has a list of several"
	warnSeveralByARN = ": list them in client_ids of the login provider, and name its ARN in open_id_connect_provider_arns"
)

// warnOfProviders warns of login providers that do nothing for the pools of the file. Where that has
// none, all are the API's, which may list any.
func (c *Config) warnOfProviders() (all []Warning) {
	if len(c.Pools) == 0 {
		return nil
	}
	for i := range c.LoginProviders {
		p, path := &c.LoginProviders[i], at("login_providers", i)
		named := func(lists func(*Pool, string) bool) bool {
			return slices.ContainsFunc(c.Pools, func(pool Pool) bool { return lists(&pool, p.Provider) })
		}
		byApp := p.Kind == loginkey.Google || p.Kind == loginkey.Apple
		switch {
		case p.Issuer != "" && p.Issuer == c.DevelopmentIssuer(): // it is there by itself
		case !named((*Pool).lists):
			all = append(all, Warning{path, warnUnlisted})
		case p.AdminGetUser && !named((*Pool).asksFor):
			all = append(all, Warning{path + ".admin_get_user", warnNotAsked})
		case byApp && p.ClientIDs != nil && !named((*Pool).namesByARN):
			all = append(all, Warning{path + ".client_ids", warnClientIDs})
		}
	}
	return all
}

// lists reports whether a pool takes logins of a provider, by its normal name.
func (p *Pool) lists(name string) bool {
	_, app := p.SupportedLoginProviders[name]
	return app || p.namesByARN(name) || slices.Contains(p.SAMLProviderARNs, name) ||
		slices.ContainsFunc(p.CognitoIdentityProviders, func(c PoolClient) bool {
			return loginkey.Normal(c.ProviderName) == name
		})
}

func (p *Pool) namesByARN(name string) bool { return p.arnOf(name) != "" }

// arnOf is the ARN by which a pool names an OpenID provider; empty where it does not.
func (p *Pool) arnOf(name string) string {
	for _, arn := range p.OpenIDConnectProviderARNs {
		if arnProvider(arn) == name {
			return arn
		}
	}
	return ""
}

// asksFor reports whether a pool wants users of a user pool to be asked for.
func (p *Pool) asksFor(name string) bool {
	return slices.ContainsFunc(p.CognitoIdentityProviders, func(c PoolClient) bool {
		return loginkey.Normal(c.ProviderName) == name && c.ServerSideTokenCheck != nil && *c.ServerSideTokenCheck
	})
}

// warnOfLists warns of how a pool lists login providers.
func (c *Config) warnOfLists(path string, p *Pool) (all []Warning) {
	foreign := func(list string, arns []string) {
		for i, arn := range arns {
			if strings.Split(arn, ":")[4] != c.Cognito.AccountID {
				all = append(all, Warning{at(path+"."+list, i), warnListed})
			}
		}
	}
	foreign("open_id_connect_provider_arns", p.OpenIDConnectProviderARNs)
	foreign("saml_provider_arns", p.SAMLProviderARNs)
	for _, key := range slices.Sorted(maps.Keys(p.SupportedLoginProviders)) {
		if !strings.Contains(p.SupportedLoginProviders[key], ";") {
			continue
		}
		text := warnSeveralApps
		if kind, _ := loginkey.KindOf(key); takenByARN(kind) {
			text += warnSeveralByARN
		}
		all = append(all, Warning{join(path+".supported_login_providers", key), text})
	}
	return all
}
