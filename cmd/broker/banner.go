package main

import (
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// banner tells a newcomer where the broker is and how to try it: by calls that the first pool takes.
func banner(w io.Writer, path string, c *config.Config, addr net.Addr) {
	fmt.Fprintf(w, "\nbroker listens on %s (%s, development mode)\n", c.PublicURL, addr)
	if len(c.Pools) == 0 {
		return
	}
	pool := &c.Pools[0]
	fmt.Fprintf(w, "%s pool: %s\n", pool.Name, pool.ID)
	own := loginkey.Of(c.DevelopmentIssuer())
	others := loginKeys(pool, own)
	switch {
	case own != "" && c.DevelopmentKeyFile() != "":
		fmt.Fprintf(w, `
Try it, as a user of the development identity provider:
  TOKEN=$(bin/broker token -config %s -user alice)
%s`, path, tryLogin(c, own))
	case len(others) > 0:
		fmt.Fprintf(w, `
Try it, as a user of a login provider of the pool, with a login of his in TOKEN (docs/logins.md):
%s`, tryLogin(c, others[0]))
	}
	if pool.AllowUnauthenticatedIdentities || c.Cognito.Backend == config.BackendAWS {
		guests := "As a guest"
		if c.Cognito.Backend == config.BackendAWS {
			guests = "As a guest, if the pool takes guests"
		}
		fmt.Fprintf(w, `
%s, through AWS's own protocol:
  curl -s %s/ -H 'Content-Type: application/x-amz-json-1.1' \
    -H 'X-Amz-Target: AWSCognitoIdentityService.GetId' -d '{"IdentityPoolId":"%s"}'
`, guests, c.PublicURL, pool.ID)
	}
	fmt.Fprintf(w, `
Any AWS SDK or the CLI does the same with its endpoint set to %s; "make demo" walks through it.

`, c.PublicURL)
}

// tryLogin is a call with a login of a provider in TOKEN.
func tryLogin(c *config.Config, provider string) string {
	return fmt.Sprintf(`  curl -s %s/v1/pools/%s/credentials -H 'Content-Type: application/json' \
    -d "{\"logins\":{\"%s\":\"$TOKEN\"}}"
`, c.PublicURL, c.Pools[0].ID, provider)
}

// loginKeys are the keys in Logins of the providers that a pool lists, but for our own.
func loginKeys(p *config.Pool, own string) (keys []string) {
	for _, client := range p.CognitoIdentityProviders {
		keys = append(keys, client.ProviderName)
	}
	for key := range p.SupportedLoginProviders {
		keys = append(keys, key)
	}
	for _, arn := range p.OpenIDConnectProviderARNs {
		if key, ok := loginkey.OfARN(arn); ok && key != own {
			keys = append(keys, key)
		}
	}
	keys = append(keys, p.SAMLProviderARNs...)
	slices.Sort(keys)
	return keys
}
