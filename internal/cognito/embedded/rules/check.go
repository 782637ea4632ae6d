package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/sts"
)

// Quotas of an account and of a pool (docs/cognito.md#quotas).
const (
	MaxPools     = 1000
	maxUserPools = 50
	maxTags      = 50
	maxRules     = 25
	maxRuleClaim = 64
	maxRuleValue = 128
	maxProviders = 100 // of OpenID or SAML; the service's own bound is not known
)

var (
	oidcARN = regexp.MustCompile(`\Aarn:aws(-[a-z]+)*:iam::[0-9]{12}:oidc-provider/[!-~]+\z`)
	samlARN = regexp.MustCompile(`\Aarn:aws(-[a-z]+)*:iam::[0-9]{12}:saml-provider/[\w._-]+\z`)
	tagText = regexp.MustCompile(`\A[\p{L}\p{N}\p{Zs}_.:/=+@-]*\z`)
)

// matchTypes are the comparisons of rules (docs/cognito.md#roles-from-rules).
var matchTypes = []string{"Equals", "Contains", "StartsWith", "NotEqual"}

// CheckPool refuses a definition that the model's constraints let pass and the
// service does not. emulated are user pools that have other names than the service's.
func CheckPool(p *Pool, emulated ...string) error {
	for provider := range p.PublicProviders {
		if kind, ok := loginkey.KindOf(provider); !ok || kind.Key() != provider {
			return cognito.InvalidParameter("SupportedLoginProviders names a provider that is not supported.")
		}
	}
	if len(p.UserPools) > maxUserPools {
		return cognito.LimitExceeded("A pool takes at most 50 Cognito identity providers.")
	}
	for i, u := range p.UserPools {
		_, real := loginkey.UserPoolOf(u.Provider)
		if !real && !slices.Contains(emulated, u.Provider) || u.ClientID == "" {
			return cognito.InvalidParameter("Invalid Cognito Identity Provider")
		}
		if slices.ContainsFunc(p.UserPools[:i], func(o UserPool) bool {
			return o.is(u.Provider) && o.ClientID == u.ClientID
		}) {
			return cognito.InvalidParameter("A Cognito identity provider stands there twice.")
		}
	}
	if err := checkARNs("OpenIdConnectProviderARNs", p.OIDCProviderARNs, oidcARN); err != nil {
		return err
	}
	if err := checkARNs("SamlProviderARNs", p.SAMLProviderARNs, samlARN); err != nil {
		return err
	}
	if p.DeveloperProvider != "" && (p.Accepts(p.DeveloperProvider) || p.DeveloperProvider == cognito.PassThrough) {
		return cognito.InvalidParameter("DeveloperProviderName is the name of a login provider.")
	}
	return CheckTags(p.Tags)
}

func checkARNs(member string, arns []string, form *regexp.Regexp) error {
	if len(arns) > maxProviders {
		return cognito.LimitExceeded(fmt.Sprintf("%s takes at most %d providers.", member, maxProviders))
	}
	for i, arn := range arns {
		if !form.MatchString(arn) {
			return cognito.InvalidParameter(member + " holds a value that is no ARN of such a provider.")
		}
		if slices.Contains(arns[:i], arn) {
			return cognito.InvalidParameter(member + " holds a provider twice.")
		}
	}
	return nil
}

// CheckTags refuses tags that a pool does not take (docs/cognito.md#pools).
func CheckTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return cognito.InvalidParameter("A pool takes at most 50 tags.")
	}
	for key, value := range tags {
		if strings.HasPrefix(strings.ToLower(key), "aws:") || !tagText.MatchString(key) || !tagText.MatchString(value) {
			return cognito.InvalidParameter("A tag holds characters that tags do not take, or begins with aws:.")
		}
	}
	return nil
}

// CheckRoles refuses roles and mappings that a pool of the account cannot have
// (docs/cognito.md#pools). A file may bring mappings of former providers.
func CheckRoles(p *Pool, account string, roles Roles, mappings map[string]Mapping, former ...string) error {
	for _, role := range []string{roles.Authenticated, roles.Unauthenticated} {
		if err := checkRole(role, account); role != "" && err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(mappings)) {
		if seen[p.mappingKey(key)] {
			return cognito.InvalidParameter("RoleMappings holds a provider twice, in two spellings.")
		}
		seen[p.mappingKey(key)] = true
		if !p.mappable(key) && !slices.Contains(former, key) {
			return cognito.InvalidParameter(fmt.Sprintf("(%s) is not a valid RoleMapping ProviderName or is not a configured "+
				"provider.", key))
		}
		if err := checkMapping(mappings[key], account); err != nil {
			return err
		}
	}
	return nil
}

// SetRoles gives the pool roles and mappings in place of those it had. What stands
// there for a former provider may be sent back as it is shown, and not changed.
func (p *Pool) SetRoles(account string, roles Roles, mappings map[string]Mapping) error {
	var former []string
	for key, m := range mappings {
		if kept, ok := p.Mappings[key]; ok && m.Type == kept.Type && m.Ambiguous == kept.Ambiguous &&
			slices.Equal(m.Rules, kept.Rules) {
			former = append(former, key)
		}
	}
	if err := CheckRoles(p, account, roles, mappings, former...); err != nil {
		return err
	}
	p.Roles, p.Mappings = roles, mappings
	return nil
}

func checkRole(arn, account string) error {
	if of, ok := sts.RoleAccount(arn); !ok || of != account {
		return roleForbidden(arn)
	}
	return nil
}

// mappable reports whether a key of RoleMappings is a provider of the pool: an app client
// of a user pool, a public domain, or a provider's ARN (docs/cognito.md#role-resolution).
func (p *Pool) mappable(key string) bool {
	if _, ok := p.PublicProviders[key]; ok {
		return true
	}
	if slices.Contains(p.OIDCProviderARNs, key) || slices.Contains(p.SAMLProviderARNs, key) {
		return true
	}
	return slices.ContainsFunc(p.UserPools, func(u UserPool) bool {
		return loginkey.Normal(u.Provider)+":"+u.ClientID == p.mappingKey(key)
	})
}

// checkMapping holds to the model's constraints too, for mappings that come from a
// file.
func checkMapping(m Mapping, account string) error {
	switch {
	case m.Ambiguous == "":
		return cognito.InvalidParameter("AmbiguousRoleResolution is required for a role mapping.")
	case m.Ambiguous != "AuthenticatedRole" && m.Ambiguous != "Deny":
		return cognito.InvalidParameter("AmbiguousRoleResolution is AuthenticatedRole or Deny.")
	case m.Type != "Token" && m.Type != "Rules":
		return cognito.InvalidParameter("The type of a role mapping is Token or Rules.")
	case m.Type == "Rules" && len(m.Rules) == 0:
		return cognito.InvalidParameter("RulesConfiguration is required for a role mapping of type Rules.")
	case m.Type == "Token" && len(m.Rules) > 0:
		return cognito.InvalidParameter("RulesConfiguration is only for a role mapping of type Rules.")
	case len(m.Rules) > maxRules:
		return cognito.InvalidParameter("A role mapping takes at most 25 rules.")
	}
	for _, r := range m.Rules {
		if !within(r.Claim, maxRuleClaim) || !within(r.Value, maxRuleValue) || !slices.Contains(matchTypes, r.Match) {
			return cognito.InvalidParameter("A rule takes a claim of 1 to 64 characters, a value of 1 to 128, and Equals, " +
				"Contains, StartsWith or NotEqual.")
		}
		if err := checkRole(r.Role, account); err != nil {
			return err
		}
	}
	return nil
}

// within reports whether s has 1 to limit characters.
func within(s string, limit int) bool { return s != "" && utf8.RuneCountInString(s) <= limit }
