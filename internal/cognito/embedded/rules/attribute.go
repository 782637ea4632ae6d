package rules

import (
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/sts"
)

// attributeRole is the attribute of a SAML assertion that says which roles its user may have:
// values with a role's ARN and a SAML provider's, in either order, with a comma between
// (docs/cognito.md#roles-from-saml).
const attributeRole = "https://aws.amazon.com/SAML/Attributes/Role"

// Texts of a LoginChoice's Why.
const (
	whyAttribute       = "the attribute Role gives this role alone"
	whyAttributeCustom = "the attribute Role gives CustomRoleArn"
	whyAttributeMany   = "the attribute Role gives several roles, and CustomRoleArn names none of them"
	whyAttributeNone   = "the attribute Role gives no role of this provider and of cognito.account_id"
	whyAttributeUnread = "the attribute Role has a value that is not a role's ARN and a SAML provider's"
)

// byAttribute decides a login of a SAML provider without a mapping by its attribute Role. An
// assertion without the attribute has no say. With it, nothing but a role of this provider and
// of the pool's account comes out: an identity provider that lists roles of other accounts, or
// of other providers, has not said that this pool's default role will do.
func (t *LoginChoice) byAttribute(account string, claims Claims, custom string) {
	value := claimOf(claims, attributeRole)
	if value == nil {
		return
	}
	t.Key, t.Type = attributeRole, "Attribute"
	roles, ok := rolesOf(value, t.Provider, account)
	t.Roles = roles
	switch {
	case !ok:
		t.deny(whyAttributeUnread)
	case len(roles) == 0:
		t.deny(whyAttributeNone)
	case custom != "" && slices.Contains(roles, custom):
		t.Offered = true
		t.give(custom, whyAttributeCustom)
	case len(roles) > 1:
		t.deny(whyAttributeMany)
	default:
		t.give(roles[0], whyAttribute)
	}
}

// rolesOf are the roles of the account that the values of the attribute give users of a
// provider, each once. ok is false if one is no pair: what cannot be read must not count as
// absent.
func rolesOf(value any, provider, account string) (roles []string, ok bool) {
	values, isList := value.([]any)
	if !isList {
		values = []any{value}
	}
	for _, v := range values {
		text, _ := v.(string)
		role, of, ok := readPair(text)
		if !ok {
			return nil, false
		}
		if in, _ := sts.RoleAccount(role); of == provider && in == account && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	return roles, true
}

// readPair reads a role and the SAML provider whose users may have it.
func readPair(text string) (role, provider string, ok bool) {
	one, other, found := strings.Cut(text, ",")
	one, other = strings.TrimSpace(one), strings.TrimSpace(other)
	if samlARN.MatchString(one) {
		one, other = other, one
	}
	_, isRole := sts.RoleAccount(one)
	return one, other, found && isRole && samlARN.MatchString(other)
}
