package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// Texts of a RoleChoice's Why.
const (
	whyGuest      = "guests have the pool's unauthenticated role"
	whyDefault    = "no login has a role mapping: the pool's authenticated role"
	whyNoDefault  = "the pool has no role for such callers"
	whyNotDefault = "CustomRoleArn is not the role that is due, and no login has a role mapping that offers it"
	whyNotOffered = "no login's role mapping offers CustomRoleArn"
	whyOffered    = "a login's role mapping offers CustomRoleArn, and none denies"
	whyMapped     = "all logins with a role mapping give this role"
	whyDenied     = "a login's role mapping gives no role"
	whyDifferent  = "the logins' role mappings give different roles"
)

// ChooseRole chooses the role of an enhanced-flow call (docs/cognito.md#role-resolution to
// #denied-roles). Guests and users of whom no login has a mapping get the pool's default
// roles. Otherwise the logins with a mapping decide, and the others are silent: if one is
// denied so is the call; if they differ, custom, the call's CustomRoleArn, may pick a role
// that one of them offers (docs/fidelity.md#roles).
//
// A login without claims at a provider with a mapping is one whose claims are all
// absent. A pass-through token, which carries none, is to be given as one login of
// cognito.PassThrough; no mapping exists for it or for developer users.
//
// So proving one login more never helps against a denial of a mapping, and no role
// comes out that one of the logins would not give by itself.
func ChooseRole(p *Pool, account string, proven []Proven, custom string) RoleChoice {
	c := RoleChoice{Guest: len(proven) == 0, Custom: custom, Default: p.Roles.Authenticated}
	if c.Guest {
		c.Default = p.Roles.Unauthenticated
	}
	var mapped []LoginChoice
	for _, l := range byProvider(proven) {
		login := chooseForLogin(p, account, l, custom)
		c.Logins = append(c.Logins, login)
		if login.Key != "" {
			mapped = append(mapped, login)
		}
	}
	if len(mapped) == 0 {
		c.chooseDefault()
	} else {
		c.chooseMapped(mapped)
	}
	return c
}

// byProvider makes the order of a call's logins no matter.
func byProvider(proven []Proven) []Proven {
	sorted := slices.Clone(proven)
	slices.SortStableFunc(sorted, func(a, b Proven) int { return strings.Compare(a.Provider, b.Provider) })
	return sorted
}

// chooseDefault takes the pool's role. No mapping exists that could offer a choice,
// so custom is allowed only if it names the role that is due anyway
// (docs/fidelity.md#roles).
func (c *RoleChoice) chooseDefault() {
	switch {
	case c.Default == "":
		c.refuse(cognito.InvalidPoolConfiguration(cognito.MsgPoolConfiguration), whyNoDefault)
	case c.Custom != "" && c.Custom != c.Default:
		c.refuse(roleForbidden(c.Custom), whyNotDefault)
	case c.Guest:
		c.grant(c.Default, whyGuest)
	default:
		c.grant(c.Default, whyDefault)
	}
}

// chooseMapped joins what the logins with a mapping say; there is at least one.
func (c *RoleChoice) chooseMapped(mapped []LoginChoice) {
	if c.Custom != "" && !slices.ContainsFunc(mapped, func(l LoginChoice) bool { return l.Offered }) {
		c.refuse(roleForbidden(c.Custom), whyNotOffered)
		return
	}
	for _, l := range mapped {
		if l.Role == "" {
			c.refuse(l.Err, whyDenied)
			return
		}
	}
	first := mapped[0]
	switch {
	case c.Custom != "":
		c.grant(c.Custom, whyOffered)
	case slices.ContainsFunc(mapped, func(l LoginChoice) bool { return l.Role != first.Role }):
		c.refuse(mappingDenied(first.Provider), whyDifferent)
	default:
		c.grant(first.Role, whyMapped)
	}
}

// mappingDenied is the service's denial (docs/cognito.md#denied-roles). It names the
// provider as Logins does.
func mappingDenied(provider string) error {
	return cognito.NotAuthorized(fmt.Sprintf("The ambiguous role mapping rules for: %s denied this request.", provider))
}

// mapping finds a login's role mapping. A provider that the pool lists in two ways
// may have its mapping under either name; none must be missed.
func (p *Pool) mapping(l Proven) (key string, m Mapping, ok bool) {
	if l.Provider == p.DeveloperProvider {
		return "", Mapping{}, false
	}
	for _, key := range p.settingKeys(l.Provider) {
		if m, ok := p.Mappings[key]; ok {
			return key, m, true
		}
	}
	for key, m := range p.Mappings { // one of them at most, see CheckRoles
		if p.mappingKey(key) == loginkey.Normal(l.Provider)+":"+l.ClientID {
			return key, m, true
		}
	}
	return "", Mapping{}, false
}

// mappingKey is the normal form of a key of RoleMappings: of an app client of a user pool,
// which may be spelled in two ways, or the key itself.
func (p *Pool) mappingKey(key string) string {
	if at := strings.LastIndex(key, ":"); at >= 0 {
		return loginkey.Normal(key[:at]) + key[at:]
	}
	return key
}

// settingKeys are the names under which a pool keeps what it says of a provider,
// but for the app clients of a user pool: the ARNs of an OpenID provider, which may
// be of several accounts, and the key in Logins. The first that says something
// counts.
func (p *Pool) settingKeys(provider string) []string {
	var keys []string
	for _, arn := range p.OIDCProviderARNs {
		if key, ok := loginkey.OfARN(arn); ok && key == provider {
			keys = append(keys, arn)
		}
	}
	return append(keys, provider)
}
