package config

import (
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// misplaced refuses a name in a list of a pool that is of a login provider of another kind
// than those that the list takes, and says where it belongs. Any other name passes.
func (k *known) misplaced(path, name string, takes ...loginkey.Kind) error {
	key := keyOf(name)
	own, hasKind := loginkey.KindOf(key)
	kind := own
	if p := k.providers[key]; p != nil {
		kind = p.Kind
	} else if !hasKind {
		return nil
	}
	if slices.Contains(takes, kind) {
		return nil
	}
	expected := placeOf(kind)
	if hasKind && slices.Contains(takes, own) {
		expected = "kind: " + string(own) + " in login_providers, or " + expected
	}
	return refuse(path, "is a login provider of kind "+string(kind), expected)
}

// keyOf is the key in Logins of the provider that somebody means by a key, an issuer or an ARN.
func keyOf(name string) string {
	if key, ok := loginkey.OfARN(name); ok {
		return key
	}
	if strings.Contains(name, "://") {
		name = loginkey.Of(name)
	}
	return loginkey.Normal(name)
}

// placeOf says where a pool lists providers of a kind.
func placeOf(kind loginkey.Kind) string {
	apps := "it in supported_login_providers, as {" + kind.Key() + ": <id of the app>}"
	arns := "in open_id_connect_provider_arns, as " + expectedOIDCARN
	switch kind {
	case loginkey.UserPool:
		return "it in cognito_identity_providers, as {provider_name: " + expectedUserPool + ", client_id: <app client>}"
	case loginkey.SAML:
		return "it in saml_provider_arns, as " + expectedSAMLARN
	case loginkey.Google, loginkey.Apple:
		return apps + ", or " + arns
	case loginkey.Facebook, loginkey.Amazon:
		return apps
	case loginkey.Twitter, loginkey.Digits:
		return "a provider of another kind: nobody takes its logins"
	}
	return "it " + arns
}
