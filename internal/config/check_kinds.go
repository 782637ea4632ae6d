package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// keysOfKind are the keys that a provider of a kind takes beside provider and kind, those
// first that it needs.
func keysOfKind(kind loginkey.Kind) (needs, takes []string) {
	fetched := []string{"jwks_uri", "jwks_file", "ca_file"}
	switch kind {
	case loginkey.OIDC:
		return []string{"issuer", "client_ids"}, append(fetched, "algorithms")
	case loginkey.Google, loginkey.Apple:
		return nil, append(fetched, "issuer", "client_ids", "algorithms")
	case loginkey.UserPool:
		return nil, append(fetched, "issuer", "endpoint", "admin_get_user")
	case loginkey.Facebook:
		return nil, append(fetched, "issuer", "client_ids", "app_secret", "endpoint", "limited_login")
	case loginkey.Amazon:
		return nil, []string{"endpoint", "ca_file"}
	case loginkey.SAML:
		return []string{"metadata_file"}, []string{"decryption_keys_file", "recipients", "audiences"}
	}
	return nil, nil
}

// kindsTaken lists the kinds whose logins are taken, for a message.
func kindsTaken() string {
	var names []string
	for _, kind := range loginkey.Kinds() {
		if !kind.Refused() {
			names = append(names, string(kind))
		}
	}
	return strings.Join(names, ", ")
}

// keyGiven is a key that only some kinds take, and whether it has a value.
type keyGiven struct {
	key      string
	given    bool
	expected string // where it is needed
}

func (p *LoginProvider) keys() []keyGiven {
	return []keyGiven{
		{"issuer", p.Issuer != "", expectedURL},
		{"client_ids", p.ClientIDs != nil, "1 to 100 client ids"},
		{"endpoint", p.Endpoint != "", expectedURL},
		{"algorithms", p.Algorithms != nil, ""},
		{"jwks_uri", p.JWKSURI != "", ""},
		{"jwks_file", p.JWKSFile != "", ""},
		{"ca_file", p.CAFile != "", ""},
		{"admin_get_user", p.AdminGetUser, ""},
		{"app_secret", !p.AppSecret.Empty(), ""},
		{"limited_login", p.LimitedLogin != nil, ""},
		{"metadata_file", p.MetadataFile != "", "a file with the identity provider's metadata"},
		{"decryption_keys_file", p.DecryptionKeysFile != "", ""},
		{"recipients", p.Recipients != nil, ""},
		{"audiences", p.Audiences != nil, ""},
	}
}

// checkGiven refuses a provider that lacks a key which its kind needs, or has one that would
// do nothing.
func (p *LoginProvider) checkGiven(path string) error {
	needs, takes := keysOfKind(p.Kind)
	for _, k := range p.keys() {
		needed := slices.Contains(needs, k.key)
		switch {
		case needed && !k.given:
			return refuse(path+"."+k.key, "is missing", k.expected+", which kind "+string(p.Kind)+" needs")
		case k.given && !needed && !slices.Contains(takes, k.key):
			list := slices.Sorted(slices.Values(append(takes, needs...)))
			return refuse(path+"."+k.key, "does nothing for kind "+string(p.Kind),
				"beside provider and kind only "+strings.Join(list, ", "))
		}
	}
	return nil
}

var samlARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:saml-provider/[A-Za-z0-9_.-]+$`)

const (
	expectedSAMLARN  = "arn:aws:iam::<account>:saml-provider/<name>"
	expectedUserPool = "cognito-idp.<region>.amazonaws.com/<user pool>"
)

// checkKind checks a provider's keys, each as its kind has it, and fills in what the kind
// knows.
func (p *LoginProvider) checkKind(path string, development bool) error {
	return firstOf(
		func() error { return p.checkName(path+".provider", development) },
		func() error { return p.deriveIssuer(path, development) },
		func() error {
			if p.ClientIDs == nil {
				return nil
			}
			return checkClientIDs(path+".client_ids", p.ClientIDs)
		},
		func() error { return optionalURL(path+".endpoint", p.Endpoint) },
		func() error { return p.checkKeys(path) },
		func() error { return p.checkApp(path) },
		func() error { return identifiers(path+".recipients", p.Recipients) },
		func() error { return identifiers(path+".audiences", p.Audiences) },
	)
}

// checkName checks the key in Logins.
func (p *LoginProvider) checkName(path string, development bool) error {
	switch p.Kind {
	case loginkey.OIDC: // by its issuer
		return nil
	case loginkey.SAML:
		return form(path, samlARN.MatchString(p.Provider), expectedSAMLARN)
	case loginkey.UserPool:
		return userPool(path, p.Provider, development)
	}
	if p.Provider != p.Kind.Key() {
		return refuse(path, "is not the key of kind "+string(p.Kind), p.Kind.Key())
	}
	return nil
}

// userPool checks the name of a user pool. In development an emulator may serve it.
func userPool(path, name string, development bool) error {
	_, real := loginkey.UserPoolOf(name)
	if real || development && loginkey.EmulatedPool(name) {
		return nil
	}
	if loginkey.EmulatedPool(name) {
		return refuse(path, "is an emulator's user pool, which only development takes", expectedUserPool)
	}
	return refuse(path, "is not the name of a user pool",
		expectedUserPool+", in development also <host>:<port>/<user pool>")
}

// deriveIssuer checks the issuer, or fills in that of a kind which has one for all. An
// emulator's user pool has the one that its name tells.
func (p *LoginProvider) deriveIssuer(path string, development bool) error {
	if p.Issuer == "" {
		p.Issuer = p.Kind.Issuer()
		if development && p.Kind == loginkey.UserPool && loginkey.EmulatedPool(p.Provider) {
			p.Issuer = "http://" + p.Provider
		}
	}
	if err := optionalURL(path+".issuer", p.Issuer); err != nil {
		return err
	}
	if p.Kind == loginkey.OIDC && loginkey.Of(p.Issuer) != p.Provider {
		return refuse(path+".provider", "differs from the issuer",
			"the issuer without its scheme and without its last slash, to the letter")
	}
	return nil
}

// checkApp checks what Facebook's app is named by: its secret tells nothing of another's.
func (p *LoginProvider) checkApp(path string) error {
	switch {
	case p.Kind != loginkey.Facebook:
		return nil
	case p.AppSecret.Empty() && p.ClientIDs != nil:
		return refuse(path+".client_ids", "does nothing without app_secret", "app_secret, or only pools that name the app")
	case p.AppSecret.Empty():
		return nil
	case len(p.ClientIDs) != 1:
		return refuse(path+".client_ids", "is not the one app of app_secret", "the id of that app alone")
	}
	return credential(path+".app_secret", p.AppSecret, minAPIKey)
}

func optionalURL(path, url string) error {
	if url == "" {
		return nil
	}
	return checkURL(path, url)
}

// Bounds of the lists that a SAML provider has.
const (
	maxIdentifiers = 100
	maxIdentifier  = 1024
)

// identifiers checks URIs that are compared to the letter.
func identifiers(path string, list []string) error {
	if len(list) > maxIdentifiers {
		return refuse(path, "is too long", "at most 100")
	}
	for i, one := range list {
		if one == "" || len(one) > maxIdentifier || strings.ContainsFunc(one, notVisible) {
			return refuse(at(path, i), "is not an identifier", "a URI of 1 to 1024 visible characters")
		}
	}
	return unique(path, list)
}
