package config

import (
	"slices"
	"strings"
)

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
