package rules

import (
	"fmt"

	"github.com/cognito-broker/broker/internal/cognito"
)

// msgMappings says what this engine cannot do yet: to ignore a mapping would hand
// out a role that its author meant to withhold.
const msgMappings = "Invalid identity pool configuration. Role mappings are stored but not evaluated yet; remove them to receive credentials."

// Role chooses the role of an enhanced-flow call: steps 1 and 4 of reference
// 4.2. A pool without the role that is due is misconfigured, and says so; so is
// one with role mappings, for they are not evaluated yet.
//
// custom is the call's CustomRoleArn. No role mapping exists that could offer a
// choice, so it is allowed only if it names the role that is due anyway: the
// service's own answer is not known (reference, section 11, question 4), and
// handing out another role than the one asked for would mislead.
func Role(p *Pool, authenticated bool, custom string) (string, error) {
	if len(p.Mappings) > 0 {
		return "", cognito.InvalidPoolConfiguration(msgMappings)
	}
	role := p.Roles.Unauthenticated
	if authenticated {
		role = p.Roles.Authenticated
	}
	if role == "" {
		return "", cognito.InvalidPoolConfiguration(cognito.MsgPoolConfiguration)
	}
	if custom != "" && custom != role {
		return "", roleForbidden(custom)
	}
	return role, nil
}

// roleForbidden refuses a role that a call or a definition names.
func roleForbidden(arn string) error {
	return cognito.NotAuthorized(fmt.Sprintf("Access to Role '%s' is forbidden.", arn))
}
