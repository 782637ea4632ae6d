package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Bounds of role mappings and tag maps: the model's, in characters.
const (
	maxMappings   = 10
	maxRules      = 25
	maxRuleClaim  = 64
	maxRuleValue  = 128
	maxTagEntries = 50
	maxTagKey     = 128
	maxTagClaim   = 256

	expectedRuleClaim = "1 to 64 characters without blanks"
	expectedRuleValue = "1 to 128 characters"
)

// claimName is the model's pattern of a rule's claim.
var claimName = regexp.MustCompile(`^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$`)

// checkSettings checks what a pool says of its providers.
func (p *Pool) checkSettings(path string) error {
	if len(p.RoleMappings) > maxMappings {
		return refuse(path+".role_mappings", "is too long", "at most 10 providers")
	}
	var seen []string
	for _, key := range slices.Sorted(maps.Keys(p.RoleMappings)) {
		here := join(path+".role_mappings", key)
		name, client, ofClient := p.cutClient(key)
		if ofClient {
			name += ":" + client
		}
		if !ofClient && !p.names(key) {
			return p.unnamed(here, key, "<provider_name>:<client_id>")
		}
		if slices.Contains(seen, name) {
			return refuse(here, "stands there twice, in two spellings", "each provider once")
		}
		seen = append(seen, name)
		if err := p.RoleMappings[key].check(here); err != nil {
			return err
		}
	}
	return p.checkTagMaps(path + ".principal_tags")
}

// cutClient reads the key of an app client of a user pool that the pool lists; name is in its
// normal form.
func (p *Pool) cutClient(key string) (name, client string, ok bool) {
	at := strings.LastIndex(key, ":")
	if at < 0 {
		return key, "", false
	}
	name, client = loginkey.Normal(key[:at]), key[at+1:]
	return name, client, slices.ContainsFunc(p.CognitoIdentityProviders, func(c PoolClient) bool {
		return loginkey.Normal(c.ProviderName) == name && c.ClientID == client
	})
}

// names reports whether a key is an ARN of one of the pool's providers, or names one that has
// an app's id.
func (p *Pool) names(key string) bool {
	_, app := p.SupportedLoginProviders[key]
	return app || slices.Contains(p.OpenIDConnectProviderARNs, key) || slices.Contains(p.SAMLProviderARNs, key)
}

// unnamed refuses a key of a setting that names none of the pool's providers. ofClient is how one of a
// user pool would.
func (p *Pool) unnamed(path, key, ofClient string) error {
	if arn := p.arnOf(keyOf(key)); arn != "" {
		return refuse(path, "is no provider of the pool by that name", "it named by ARN here: "+shownKey(arn))
	}
	return refuse(path, "is no provider of the pool",
		"an ARN or a key of the pool's providers, for a user pool "+ofClient)
}

func (m RoleMapping) check(path string) error {
	rules := path + ".rules_configuration.rules"
	err := firstOf(
		func() error { return oneOf(path+".type", m.Type, "Token", "Rules") },
		func() error {
			return oneOf(path+".ambiguous_role_resolution", m.AmbiguousRoleResolution, "AuthenticatedRole", "Deny")
		},
		func() error {
			switch n := len(m.RulesConfiguration.Rules); {
			case m.Type == "Token" && n > 0:
				return refuse(rules, "does nothing for type Token", "type: Rules, or no rules")
			case m.Type == "Rules" && (n == 0 || n > maxRules):
				return refuse(rules, "is empty or too long", "1 to 25 rules")
			}
			return nil
		},
	)
	for i, r := range m.RulesConfiguration.Rules {
		if err == nil {
			err = r.check(at(rules, i))
		}
	}
	return err
}

func (r MappingRule) check(path string) error {
	return firstOf(
		func() error { return present(path+".claim", r.Claim != "", expectedRuleClaim) },
		func() error {
			return form(path+".claim", characters(r.Claim, maxRuleClaim) && claimName.MatchString(r.Claim),
				expectedRuleClaim)
		},
		func() error {
			return oneOf(path+".match_type", r.MatchType, "Equals", "Contains", "StartsWith", "NotEqual")
		},
		func() error { return present(path+".value", r.Value != "", expectedRuleValue) },
		func() error { return form(path+".value", characters(r.Value, maxRuleValue), expectedRuleValue) },
		func() error { return present(path+".role_arn", r.RoleARN != "", expectedRoleARN) },
		func() error {
			if !validRole(r.RoleARN) {
				return refuse(path+".role_arn", "is not the ARN of a role", expectedRoleARN)
			}
			return nil
		},
	)
}

func (p *Pool) checkTagMaps(path string) error {
	var seen []string
	for _, key := range slices.Sorted(maps.Keys(p.PrincipalTags)) {
		here, name := join(path, key), loginkey.Normal(key)
		ofPool := slices.ContainsFunc(p.CognitoIdentityProviders, func(c PoolClient) bool {
			return loginkey.Normal(c.ProviderName) == name
		})
		if !ofPool && !p.names(key) {
			return p.unnamed(here, key, "its provider_name")
		}
		if slices.Contains(seen, name) {
			return refuse(here, "stands there twice, in two spellings", "each provider once")
		}
		seen = append(seen, name)
		if err := p.PrincipalTags[key].check(here + ".principal_tags"); err != nil {
			return err
		}
	}
	return nil
}

func (t PrincipalTags) check(path string) error {
	if len(t.PrincipalTags) > maxTagEntries {
		return refuse(path, "is too long", "at most 50 tags")
	}
	for _, tag := range slices.Sorted(maps.Keys(t.PrincipalTags)) {
		if !characters(tag, maxTagKey) || !characters(t.PrincipalTags[tag], maxTagClaim) {
			return refuse(join(path, tag), "is not a tag", "a key of 1 to 128 characters, a claim of 1 to 256")
		}
	}
	return nil
}

// characters reports whether text has 1 to most characters.
func characters(text string, most int) bool {
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= most
}
