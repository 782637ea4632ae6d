package rules_test

import (
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
)

// Each member of a pool reaches as far as what it decides.
func TestReach(t *testing.T) {
	no := false
	for name, c := range map[string]struct {
		change func(p *rules.Pool)
		want   cognito.Reach
	}{
		"nothing":       {func(*rules.Pool) {}, cognito.ReachNothing},
		"the name":      {func(p *rules.Pool) { p.Name = "other" }, cognito.ReachNothing},
		"tags":          {func(p *rules.Pool) { p.Tags = map[string]string{"k": "v"} }, cognito.ReachNothing},
		"an empty list": {func(p *rules.Pool) { p.SAMLProviderARNs = []string{} }, cognito.ReachNothing},
		"a role": {func(p *rules.Pool) {
			p.Roles.Authenticated = "arn:aws:iam::000000000000:role/b"
		}, cognito.ReachCredentials},
		"a mapping": {func(p *rules.Pool) { p.Mappings = map[string]rules.Mapping{"x": {Type: "Token"}} },
			cognito.ReachCredentials},
		"principal tags": {func(p *rules.Pool) { p.PrincipalTags = map[string]rules.TagMap{"x": {UseDefaults: true}} },
			cognito.ReachCredentials},
		"guests":             {func(p *rules.Pool) { p.AllowGuests = true }, cognito.ReachCredentials},
		"the classic flow":   {func(p *rules.Pool) { p.AllowClassic = &no }, cognito.ReachCredentials},
		"guests' retention":  {func(p *rules.Pool) { p.GuestRetention = time.Hour }, cognito.ReachCredentials},
		"an OpenID provider": {func(p *rules.Pool) { p.OIDCProviderARNs = nil }, cognito.ReachEverything},
		"a SAML provider":    {func(p *rules.Pool) { p.SAMLProviderARNs = []string{"x"} }, cognito.ReachEverything},
		"a public provider": {func(p *rules.Pool) { p.PublicProviders = map[string]string{"x": "y"} },
			cognito.ReachEverything},
		"a user pool": {func(p *rules.Pool) { p.UserPools = []rules.UserPool{{Provider: "x"}} },
			cognito.ReachEverything},
		"developers": {func(p *rules.Pool) { p.DeveloperProvider = "x" }, cognito.ReachEverything},
		"a provider and a role": {func(p *rules.Pool) { p.OIDCProviderARNs, p.Roles = nil, rules.Roles{} },
			cognito.ReachEverything},
	} {
		from := rules.Pool{ID: "p", OIDCProviderARNs: []string{"a"},
			Roles: rules.Roles{Authenticated: "arn:aws:iam::000000000000:role/a"}}
		to := from
		c.change(&to)
		if got := rules.Reach(&from, &to); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
		if got := rules.Reach(&to, &from); got != c.want {
			t.Errorf("%s taken back: got %d, want %d", name, got, c.want)
		}
	}
}
