package contract

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

// bound is a member of the model that takes from min to max characters, entries
// or units. No min: there is nothing below to try.
type bound struct {
	member   string // the end of its path in messages
	min, max int
	form     string // how messages word the bounds, for min and max
	try      func(n int) string
}

// Forms of reference 1.5. Those of maps and lists name all constraints of their
// parts; both bounds begin with the same words.
const (
	lengths   = "Member must have length %s than or equal to %d"
	values    = "Member must have value %s than or equal to %d"
	mapKeys   = "Map keys must satisfy constraint: [Member must have length less than or equal to %d"
	mapValues = "Map value must satisfy constraint: [Member must have length less than or equal to %d"
	elements  = "Member must satisfy constraint: [Member must have length less than or equal to %d"
)

// low and high are the constraints that a try outside the bounds breaks.
func (b *bound) low() string  { return b.word("greater", b.min) }
func (b *bound) high() string { return b.word("less", b.max) }

func (b *bound) word(direction string, n int) string {
	if strings.Contains(b.form, "%s") {
		return fmt.Sprintf(b.form, direction, n)
	}
	return fmt.Sprintf(b.form, b.max)
}

// bounds tries each bound of reference 2.1 from both sides. What keeps to it may
// be refused, but not as invalid.
func bounds(s *scene) {
	for _, group := range [][]bound{s.poolBounds(), s.providerBounds(), s.callBounds(), s.tagBounds(), s.roleBounds(), s.ruleBounds()} {
		for _, b := range group {
			s.tryBound(&b)
		}
	}
}

func (s *scene) tryBound(b *bound) {
	s.Helper()
	for _, n := range []int{b.min, b.max} {
		if got := b.try(n); strings.HasPrefix(got, validation) || strings.HasPrefix(got, "no error") {
			s.Errorf("%s of %d: got %q, want no such refusal", b.member, n, got)
		}
	}
	for n, constraint := range map[int]string{b.min - 1: b.low(), b.max + 1: b.high()} {
		if n < 0 {
			continue
		}
		want := b.member + "' failed to satisfy constraint: " + constraint
		if got := b.try(n); !strings.HasPrefix(got, validation+": ") || !strings.Contains(got, want) {
			s.Errorf("%s of %d: got %q, want a %s with %q", b.member, n, got, validation, want)
		}
	}
}

func text(n int) string { return strings.Repeat("a", n) }

// numbered makes a map of n entries.
func numbered[V any](n int, key string, value V) map[string]V {
	m := make(map[string]V, n)
	for i := range n {
		m[fmt.Sprintf(key, i)] = value
	}
	return m
}

func (s *scene) poolBounds() []bound {
	return []bound{
		{"'identityPoolName", 1, 128, lengths, func(n int) string {
			return s.created(func(in *createInput) { in.IdentityPoolName = aws.String(text(n)) })
		}},
		{"'developerProviderName", 1, 128, lengths, func(n int) string {
			return s.created(func(in *createInput) { in.DeveloperProviderName = aws.String(text(n)) })
		}},
		{"'identityPoolTags", 1, 128, mapKeys, func(n int) string {
			return s.created(func(in *createInput) { in.IdentityPoolTags = map[string]string{text(n): ""} })
		}},
		{"'identityPoolTags", 0, 256, mapValues, func(n int) string {
			return s.created(func(in *createInput) { in.IdentityPoolTags = map[string]string{"a": text(n)} })
		}},
		{"'maxResults", 1, 60, values, func(n int) string { return s.listed(n, nil) }},
		{"'nextToken", 1, 65535, lengths, func(n int) string { return s.listed(1, aws.String(text(n))) }},
	}
}

// listed calls ListIdentityPools for its refusal.
func (s *scene) listed(max int, token *string) string {
	s.Helper()
	_, refusal := ask(s, s.API.ListIdentityPools, &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(int32(max)), NextToken: token})
	return refusal
}

func (s *scene) providerBounds() []bound {
	public := func(p map[string]string) string {
		return s.created(func(in *createInput) { in.SupportedLoginProviders = p })
	}
	userPool := func(p types.CognitoIdentityProvider) string {
		return s.created(func(in *createInput) { in.CognitoIdentityProviders = []types.CognitoIdentityProvider{p} })
	}
	return []bound{
		{"'supportedLoginProviders", 0, 10, lengths, func(n int) string { return public(numbered(n, "p%d.example", "a")) }},
		{"'supportedLoginProviders", 1, 128, mapKeys, func(n int) string { return public(map[string]string{text(n): "a"}) }},
		{"'supportedLoginProviders", 1, 128, mapValues, func(n int) string { return public(map[string]string{"graph.facebook.com": text(n)}) }},
		{"cognitoIdentityProviders.1.member.providerName", 1, 128, lengths, func(n int) string {
			return userPool(types.CognitoIdentityProvider{ProviderName: aws.String(text(n)), ClientId: aws.String("a")})
		}},
		{"cognitoIdentityProviders.1.member.clientId", 1, 128, lengths, func(n int) string {
			return userPool(types.CognitoIdentityProvider{ProviderName: aws.String("cognito-idp.us-east-1.amazonaws.com/us-east-1_a"), ClientId: aws.String(text(n))})
		}},
		{"'openIdConnectProviderARNs", 20, 2048, elements, func(n int) string {
			return s.created(func(in *createInput) { in.OpenIdConnectProviderARNs = []string{text(n)} })
		}},
		{"'samlProviderARNs", 20, 2048, elements, func(n int) string {
			return s.created(func(in *createInput) { in.SamlProviderARNs = []string{text(n)} })
		}},
	}
}

// callBounds are those of the four unsigned operations.
func (s *scene) callBounds() []bound {
	login := func(logins map[string]string) string { return refusalOf(s.id(s.Pools.Open, logins)) }
	guest := s.guest()
	proof := s.login(s.someone())
	return []bound{
		{"'accountId", 1, 15, lengths, func(n int) string {
			_, refusal := ask(s, s.API.GetId, &cognitoidentity.GetIdInput{IdentityPoolId: &s.Pools.Open, AccountId: aws.String(strings.Repeat("1", n))})
			return refusal
		}},
		{"'logins", 0, 10, lengths, func(n int) string { return login(numbered(n, "p%d.example", "a")) }},
		{"'logins", 1, 128, mapKeys, func(n int) string { return login(map[string]string{text(n): "a"}) }},
		{"'logins", 1, 50000, mapValues, func(n int) string { return login(map[string]string{s.Providers[0].Name(): text(n)}) }},
		{"'loginsToRemove", 1, 128, elements, func(n int) string { return s.unlink(guest, proof, text(n)) }},
		{"'customRoleArn", 20, 2048, lengths, func(n int) string { return s.customCredentials(guest, nil, aws.String(text(n))) }},
	}
}

// refusalOf is a result if it is a refusal.
func refusalOf(result string) string {
	if strings.Contains(result, ": ") {
		return result
	}
	return ""
}

// tagBounds are those of the developer call.
func (s *scene) tagBounds() []bound {
	identifier := user(s.someone())
	call := func(change func(in *developerInput)) string {
		answer, _ := s.developer(func(in *developerInput) { in.Logins = identifier; change(in) })
		return refusalOf(answer)
	}
	tags := func(t map[string]string) string { return call(func(in *developerInput) { in.PrincipalTags = t }) }
	return []bound{
		{"'tokenDuration", 1, 86400, values, func(n int) string {
			return call(func(in *developerInput) { in.TokenDuration = aws.Int64(int64(n)) })
		}},
		{"'principalTags", 0, 50, lengths, func(n int) string { return tags(numbered(n, "t%d", "a")) }},
		{"'principalTags", 1, 128, mapKeys, func(n int) string { return tags(map[string]string{text(n): "a"}) }},
		{"'principalTags", 1, 256, mapValues, func(n int) string { return tags(map[string]string{"a": text(n)}) }},
	}
}

func (s *scene) roleBounds() []bound {
	mappings := func(m map[string]types.RoleMapping) string { return s.setRoles(s.Pools.Open, s.usualRoles(), m) }
	token := types.RoleMapping{Type: types.RoleMappingTypeToken, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny}
	return []bound{
		{"'roles", 20, 2048, mapValues, func(n int) string {
			return s.setRoles(s.Pools.Open, map[string]string{"authenticated": text(n)}, nil)
		}},
		{"'roleMappings", 0, 10, lengths, func(n int) string { return mappings(numbered(n, "p%d.example", token)) }},
		{"'roleMappings", 1, 128, mapKeys, func(n int) string { return mappings(map[string]types.RoleMapping{text(n): token}) }},
	}
}

// ruleBounds name a provider that the pool does not list, so that nothing of
// them takes hold.
func (s *scene) ruleBounds() []bound {
	set := func(change func(m *types.RoleMapping, r *types.MappingRule)) string {
		return s.setRoles(s.Pools.Open, s.usualRoles(), s.ruled("idp.example", change))
	}
	return []bound{
		{"rulesConfiguration.rules", 1, 400, lengths, func(n int) string {
			return set(func(m *types.RoleMapping, r *types.MappingRule) {
				m.RulesConfiguration.Rules = make([]types.MappingRule, n)
				for i := range n {
					m.RulesConfiguration.Rules[i] = *r
				}
			})
		}},
		{"rules.1.member.claim", 1, 64, lengths, func(n int) string {
			return set(func(_ *types.RoleMapping, r *types.MappingRule) { r.Claim = aws.String(text(n)) })
		}},
		{"rules.1.member.value", 1, 128, lengths, func(n int) string {
			return set(func(_ *types.RoleMapping, r *types.MappingRule) { r.Value = aws.String(text(n)) })
		}},
		{"rules.1.member.roleARN", 20, 2048, lengths, func(n int) string {
			return set(func(_ *types.RoleMapping, r *types.MappingRule) { r.RoleARN = aws.String(text(n)) })
		}},
	}
}
