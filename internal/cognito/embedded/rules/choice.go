package rules

import "github.com/cognito-broker/broker/internal/cognito"

// RoleChoice is the role of an enhanced-flow call, or why there is none, with
// the steps that led there. The zero RoleChoice denies.
type RoleChoice struct {
	Role    string // empty: denied
	Err     error  // the service's own, if denied
	Guest   bool   // no login was proven
	Default string // the pool's role for such callers; may be empty
	Custom  string // CustomRoleArn of the call
	Why     string // what decided, in words
	// Logins are the call's in the order of their providers.
	Logins []LoginChoice
}

// Result is the role, or the error to answer with.
func (c RoleChoice) Result() (role string, err error) {
	switch {
	case c.Err != nil:
		return "", c.Err
	case c.Role == "":
		return "", cognito.Internal()
	}
	return c.Role, nil
}

func (c *RoleChoice) grant(role, why string)       { c.Role, c.Err, c.Why = role, nil, why }
func (c *RoleChoice) refuse(err error, why string) { c.Role, c.Err, c.Why = "", err, why }

// LoginChoice is what one login contributes. Of the token it shows no more than
// the claims that the mapping names.
type LoginChoice struct {
	Provider string
	Key      string // of its role mapping, or the attribute Role; empty: it has neither, and no say
	Type     string // the mapping's: Token or Rules; or Attribute
	Role     string // empty: denied
	Err      error  // the service's own, if denied
	Why      string // what decided, in words
	// Offered says that the mapping or attribute offers the call's CustomRoleArn; then it is Role.
	Offered bool
	// Roles and Preferred are cognito:roles and cognito:preferred_role, for type Token; for
	// Attribute, Roles are those that it gives here.
	Roles     []string
	Preferred string
	// Rules were evaluated, in their order; Winner is the position in it, counted
	// from one, of the rule that gave the role. Zero: none did.
	Rules  []RuleTrace
	Winner int
	// Ambiguous is the AmbiguousRoleResolution, if it had to decide.
	Ambiguous string
}

// RuleTrace is a rule with what it met.
type RuleTrace struct {
	Rule
	Present bool
	Got     string // the claim's value, at most 128 characters
	Matched bool
}
