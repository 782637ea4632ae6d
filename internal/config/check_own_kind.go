package config

import "github.com/cognito-broker/broker/internal/loginkey"

// namedByARN are the providers that pools name by the ARN of an OpenID provider.
func (c *Config) namedByARN() map[string]bool {
	named := map[string]bool{}
	for _, p := range c.Pools {
		for _, arn := range p.OpenIDConnectProviderARNs {
			named[arnProvider(arn)] = true
		}
	}
	return named
}

// checkOwnKind refuses a provider whose name, or whose issuer, is plainly of another kind than
// it says: whoever leaves kind out says oidc, and OpenID's rules are not all of theirs. A pool
// that names the provider by the ARN of an OpenID provider asks for just that, as Google
// documents it.
func (p *LoginProvider) checkOwnKind(path string, named bool) error {
	own, known := loginkey.KindOf(p.Provider)
	whose := "a provider"
	if !known && p.Kind == loginkey.OIDC {
		own, known = loginkey.KindOf(loginkey.Of(p.Issuer))
		whose = "the issuer"
	}
	if !known && p.Kind == loginkey.OIDC && loginkey.EmulatedPool(p.Provider) && (p.Issuer == "" || p.ClientIDs == nil) {
		return refuse(path+".kind", "is oidc for a provider that is named as an emulator's user pool",
			"kind: user_pool, or issuer and client_ids of an OpenID provider")
	}
	if !known || own == p.Kind {
		return nil
	}
	byARN := p.Kind == loginkey.OIDC && whose == "a provider"
	if byARN && named && (p.Issuer != "" || !takenByARN(own)) {
		return nil
	}
	expected := "kind: " + string(own)
	switch {
	case byARN && own.Refused():
		expected = "open_id_connect_provider_arns of a pool that names it"
	case byARN && !named && own != loginkey.SAML: // which has no OpenID ARN
		expected += ", or open_id_connect_provider_arns of a pool that names it"
	}
	return refuse(path+".kind", "is "+string(p.Kind)+" for "+whose+" of the kind "+string(own), expected)
}

// takenByARN reports whether pools take providers of a kind by the ARN of an OpenID provider too.
func takenByARN(kind loginkey.Kind) bool { return kind == loginkey.Google || kind == loginkey.Apple }
