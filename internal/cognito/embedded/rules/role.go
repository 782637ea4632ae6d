package rules

import (
	"fmt"

	"github.com/cognito-broker/broker/internal/cognito"
)

// roleForbidden refuses a role that a call or a definition names.
func roleForbidden(arn string) error {
	return cognito.NotAuthorized(fmt.Sprintf("Access to Role '%s' is forbidden.", arn))
}
