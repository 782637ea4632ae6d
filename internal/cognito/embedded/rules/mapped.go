package rules

import (
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Texts of a LoginChoice's Why.
const (
	whyCustomRole  = "cognito:roles lists CustomRoleArn"
	whyPreferred   = "cognito:preferred_role"
	whySingle      = "cognito:roles lists this role alone"
	whyCustomRule  = "a rule with the role of CustomRoleArn matches"
	whyRule        = "the first rule that matches"
	whyUnread      = "cognito:roles or cognito:preferred_role is not made of role ARNs"
	whyContradicts = "cognito:preferred_role is not among cognito:roles"
	whyForeign     = "the token's role is not of the pool's account"
	whyAmbiguous   = "neither a role claim nor a rule decides: AmbiguousRoleResolution"
	whyMissingRole = "AmbiguousRoleResolution: the pool has no authenticated role"
	whyUnknownType = "the role mapping is of no known type"
)

// chooseForLogin applies the mapping of a login's provider, if it has one; else what a SAML
// assertion says itself.
func chooseForLogin(p *Pool, account string, l Proven, custom string) LoginChoice {
	t := LoginChoice{Provider: l.Provider}
	key, m, ok := p.mapping(l)
	if !ok {
		if p.Way(l.Provider) == BySAML {
			t.byAttribute(account, l.Claims, custom)
		}
		return t
	}
	t.Key, t.Type = key, m.Type
	var decided bool
	switch m.Type {
	case "Token":
		decided = t.byToken(account, l.Claims, custom)
	case "Rules":
		decided = t.byRules(m.Rules, l.Claims, custom)
	default:
		decided = t.deny(whyUnknownType)
	}
	if !decided {
		t.byAmbiguity(p, m.Ambiguous)
	}
	return t
}

// give and deny decide a login.
func (t *LoginChoice) give(role, why string) bool {
	t.Role, t.Why = role, why
	return true
}

func (t *LoginChoice) deny(why string) bool {
	t.Err, t.Why = mappingDenied(t.Provider), why
	return true
}

// byToken takes the role out of the token (docs/cognito.md#roles-from-the-token). It goes
// no further than what the token says without contradicting itself: user pools only prefer
// a role that they list, so a token that prefers another is denied rather than believed in
// part, be the list empty. A preferred role without a list stands.
func (t *LoginChoice) byToken(account string, claims Claims, custom string) (decided bool) {
	r, ok := readRoleClaims(claims)
	if !ok {
		return t.deny(whyUnread)
	}
	t.Roles, t.Preferred = r.roles, r.preferred
	if slices.Contains(r.roles, custom) && checkRole(custom, account) == nil {
		t.Offered = true
		return t.give(custom, whyCustomRole)
	}
	role, why := r.preferred, whyPreferred
	if role == "" {
		role, why = r.sole(), whySingle
	}
	switch {
	case role == "":
		return false
	case r.listed && !slices.Contains(r.roles, role):
		return t.deny(whyContradicts)
	case checkRole(role, account) != nil:
		return t.deny(whyForeign)
	}
	return t.give(role, why)
}

// byRules takes the role of the first rule that matches, or, overriding the order,
// of one that matches and gives custom (docs/cognito.md#roles-from-rules).
func (t *LoginChoice) byRules(rules []Rule, claims Claims, custom string) (decided bool) {
	for i, r := range rules {
		value := claimOf(claims, r.Claim)
		trace := RuleTrace{Rule: r, Present: value != nil, Got: shown(value), Matched: r.matches(value)}
		t.Rules = append(t.Rules, trace)
		switch {
		case !trace.Matched:
		case custom != "" && r.Role == custom:
			t.Winner, t.Offered = i+1, true
			return t.give(custom, whyCustomRule)
		case !decided:
			t.Winner, decided = i+1, t.give(r.Role, whyRule)
		}
		if decided && custom == "" {
			break
		}
	}
	return decided
}

// byAmbiguity decides where the mapping itself did not; whatever is not
// AuthenticatedRole denies.
func (t *LoginChoice) byAmbiguity(p *Pool, resolution string) {
	t.Ambiguous = resolution
	switch {
	case resolution != "AuthenticatedRole":
		t.deny(whyAmbiguous)
	case p.Roles.Authenticated == "":
		t.Err, t.Why = cognito.InvalidPoolConfiguration(cognito.MsgPoolConfiguration), whyMissingRole
	default:
		t.give(p.Roles.Authenticated, whyAmbiguous)
	}
}
