package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Bounds of a pool: the service's, and of ARNs one of ours.
const (
	maxPoolClients   = 50
	maxProviderARNs  = 100
	maxAppID         = 128
	expectedClient   = "1 to 128 letters, digits, _"
	expectedAppID    = "1 to 128 letters, digits, _ . ; / -"
	expectedProvider = "a provider of login_providers"
)

// known are the login providers of a configuration, for its pools.
type known struct {
	providers   map[string]*LoginProvider
	engine      bool // providers that we do not know are upstream's to judge
	development bool
	paths       map[string]string // of the providers
}

// lacks reports whether no provider of that name is configured whose kind is one of kinds.
func (k *known) lacks(name string, kinds ...loginkey.Kind) bool {
	p := k.providers[name]
	return k.engine && (p == nil || !slices.Contains(kinds, p.Kind))
}

// lacking refuses the name of a provider that lacks says is none of login_providers.
func lacking(path string, kind loginkey.Kind) error {
	return refuse(path, "names no login provider of kind "+string(kind), expectedProvider+", with kind: "+string(kind))
}

// checkProviders checks all lists of a pool's login providers.
func (p *Pool) checkProviders(path string, k *known) error {
	return firstOf(
		func() error { return p.checkOIDC(path+".open_id_connect_provider_arns", k) },
		func() error { return p.checkClients(path+".cognito_identity_providers", k) },
		func() error { return p.checkApps(path+".supported_login_providers", k) },
		func() error { return p.checkSAML(path+".saml_provider_arns", k) },
	)
}

// checkOIDC takes Google and Apple too, whose clients must then stand at the provider: the
// pool names none.
func (p *Pool) checkOIDC(path string, k *known) error {
	names := make([]string, 0, len(p.OpenIDConnectProviderARNs))
	kinds := []loginkey.Kind{loginkey.OIDC, loginkey.Google, loginkey.Apple}
	for i, arn := range p.OpenIDConnectProviderARNs {
		good := len(arn) <= maxARN && oidcARN.MatchString(arn)
		if k.engine || !good { // upstream may know any provider as a plain one
			if err := k.misplaced(at(path, i), arn, kinds...); err != nil {
				return err
			}
		}
		if !good {
			return refuse(at(path, i), "is not the ARN of an OpenID provider", expectedOIDCARN)
		}
		name := arnProvider(arn)
		if k.lacks(name, kinds...) {
			return refuse(at(path, i), "names no login provider of kind oidc, google or apple", expectedProvider)
		}
		if k.engine && len(k.providers[name].ClientIDs) == 0 {
			return refuse(at(path, i), "names a login provider without client_ids",
				"client_ids of the provider, or the pool's supported_login_providers in place of the ARN")
		}
		names = append(names, name)
	}
	if len(names) > maxProviderARNs {
		return refuse(path, "is too long", "at most 100")
	}
	return unique(path, names)
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9_]{1,128}$`)

func (p *Pool) checkClients(path string, k *known) error {
	if len(p.CognitoIdentityProviders) > maxPoolClients {
		return refuse(path, "is too long", "at most 50 app clients")
	}
	var all []string
	for i, c := range p.CognitoIdentityProviders {
		here, name := at(path, i), loginkey.Normal(c.ProviderName)
		if err := firstOf(
			func() error { return present(here+".provider_name", c.ProviderName != "", expectedUserPool) },
			func() error { return k.misplaced(here+".provider_name", c.ProviderName, loginkey.UserPool) },
			func() error { return userPool(here+".provider_name", name, k.development) },
			func() error { return present(here+".client_id", c.ClientID != "", expectedClient) },
			func() error { return form(here+".client_id", clientID.MatchString(c.ClientID), expectedClient) },
		); err != nil {
			return err
		}
		if k.lacks(name, loginkey.UserPool) {
			return lacking(here+".provider_name", loginkey.UserPool)
		}
		all = append(all, name+" "+c.ClientID)
	}
	return unique(path, all)
}

// UncheckedClients are the paths of app clients that want a server-side check which nothing
// makes: the broker may not ask their user pool. Production refuses them.
func (c *Config) UncheckedClients() (paths []string) {
	if c.Cognito.Backend != BackendEmbedded {
		return nil // upstream asks
	}
	asks := map[string]bool{}
	for _, p := range c.LoginProviders {
		asks[p.Provider] = p.AdminGetUser
	}
	for i, p := range c.Pools {
		for j, client := range p.CognitoIdentityProviders {
			if check := client.ServerSideTokenCheck; check != nil && *check && !asks[loginkey.Normal(client.ProviderName)] {
				paths = append(paths, at(at("pools", i)+".cognito_identity_providers", j)+".server_side_token_check")
			}
		}
	}
	return paths
}

// appKinds are those that supported_login_providers takes.
func appKinds() []loginkey.Kind {
	return []loginkey.Kind{loginkey.Google, loginkey.Apple, loginkey.Facebook, loginkey.Amazon}
}

func (p *Pool) checkApps(path string, k *known) error {
	for _, key := range slices.Sorted(maps.Keys(p.SupportedLoginProviders)) {
		here, kind := join(path, key), loginkey.Kind("")
		misplaced := k.misplaced(here, key, appKinds()...)
		if own, ok := loginkey.KindOf(key); ok && own.Key() == key {
			kind = own
		}
		switch {
		case kind.Refused():
			return refuse(here, "is "+string(kind)+", whose logins are not taken", "one of "+appKeys())
		case misplaced != nil:
			return misplaced
		case !slices.Contains(appKinds(), kind):
			return refuse(here, "unknown key", "one of "+appKeys())
		case !consists(p.SupportedLoginProviders[key], wordRunes+".;/-", 1, maxAppID):
			return refuse(here, "is not the id of an app", expectedAppID)
		case k.lacks(key, kind):
			return lacking(here, kind)
		case k.engine && k.providers[key].otherApp(p.SupportedLoginProviders[key]):
			return refuse(here, "is another app than that of the login provider's app_secret, and so takes no login",
				"the one of "+k.paths[key]+".client_ids")
		}
	}
	return nil
}

// otherApp reports whether a provider that is asked as one app is not asked of another's tokens.
func (p *LoginProvider) otherApp(id string) bool {
	return p.Kind == loginkey.Facebook && !p.AppSecret.Empty() && !slices.Contains(p.ClientIDs, id)
}

func appKeys() string {
	var keys []string
	for _, kind := range appKinds() {
		keys = append(keys, kind.Key())
	}
	return strings.Join(keys, ", ")
}

func (p *Pool) checkSAML(path string, k *known) error {
	if len(p.SAMLProviderARNs) > maxProviderARNs {
		return refuse(path, "is too long", "at most 100")
	}
	for i, arn := range p.SAMLProviderARNs {
		if err := k.misplaced(at(path, i), arn, loginkey.SAML); err != nil {
			return err
		}
		if len(arn) > maxProviderName || !samlARN.MatchString(arn) {
			return refuse(at(path, i), "is not the ARN of a SAML provider", expectedSAMLARN+", up to 128")
		}
		if k.lacks(arn, loginkey.SAML) {
			return lacking(at(path, i), loginkey.SAML)
		}
	}
	return unique(path, p.SAMLProviderARNs)
}
