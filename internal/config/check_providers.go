package config

import (
	"crypto/x509"
	"slices"
	"strings"
)

// maxKeysFile bounds the files that a login provider names, in bytes.
const maxKeysFile = 1 << 20

// algorithms are those that a login provider's tokens may be signed by.
var algorithms = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}

// checkKeys checks what a provider says of its keys, but for the files: their names
// are made absolute later.
func (p *LoginProvider) checkKeys(path string) error {
	for i, a := range p.Algorithms {
		if !slices.Contains(algorithms, a) {
			return refuse(at(path+".algorithms", i), "is not an algorithm that is taken",
				"RS256, RS384, RS512, ES256, ES384 or ES512")
		}
	}
	if err := unique(path+".algorithms", p.Algorithms); err != nil {
		return err
	}
	switch {
	case p.JWKSFile != "" && p.JWKSURI != "":
		return refuse(path+".jwks_file", "is given together with jwks_uri", "only one of the two")
	case p.JWKSFile != "" && p.CAFile != "":
		return refuse(path+".ca_file", "is given together with jwks_file, so that nobody is asked", "only one of the two")
	case p.JWKSURI != "":
		address, query, _ := strings.Cut(p.JWKSURI, "?") // some issuers have one a policy
		if strings.ContainsFunc(query, notVisible) || strings.Contains(query, "#") {
			return refuse(path+".jwks_uri", "is not a URL", expectedURL)
		}
		return checkURL(path+".jwks_uri", address)
	}
	return nil
}

// checkProviderFiles reads the files that login providers name, so that a wrong name
// shows at the start and not in a user's login.
func (c *Config) checkProviderFiles() error {
	for i := range c.LoginProviders {
		p, path := &c.LoginProviders[i], at("login_providers", i)
		if p.JWKSFile != "" {
			if _, _, err := readFile(p.JWKSFile, maxKeysFile); err != nil {
				return refuse(path+".jwks_file", "names a file that "+err.Error(), "a readable file with a JWK set")
			}
		}
		if p.CAFile == "" {
			continue
		}
		text, _, err := readFile(p.CAFile, maxKeysFile)
		if err != nil {
			return refuse(path+".ca_file", "names a file that "+err.Error(), "a readable file with certificates in PEM")
		}
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			return refuse(path+".ca_file", "names a file without certificates", "a readable file with certificates in PEM")
		}
	}
	return nil
}
