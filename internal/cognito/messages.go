package cognito

import "fmt"

// Literal texts of the service (docs/cognito.md#messages).
const (
	MsgGuestsNotAllowed = "Unauthenticated access is not supported for this identity pool."
	MsgLoginsDontMatch  = "Logins don't match. Please include at least one valid login for this identity or identity " +
		"pool."
	MsgUnsupportedProvider = "Token is not from a supported provider of this identity pool."
	MsgPoolConfiguration   = "Invalid identity pool configuration. Check assigned IAM roles for this pool."
	MsgAlreadyLinked       = "Logins are already linked to another account."
	MsgRateExceeded        = "Rate exceeded"
	MsgCognitoToken        = "Invalid login token. Can't pass in a Cognito token."
	MsgTokenMalformed      = "Invalid login token. Not a valid OpenId Connect identity token."
	MsgTokenUnverified     = "Invalid login token. Couldn't verify signed token."
	MsgTokenIssuer         = "Invalid login token. Issuer doesn't match providerName"
	MsgTokenExpired        = "Invalid login token. Token expired: %d >= %d" // now, exp
	MsgTokenAudience       = "Invalid login token. Incorrect token audience."
)

// PoolNotFound is the service's answer for an unknown pool.
func PoolNotFound(id string) error {
	return ResourceNotFound(fmt.Sprintf("IdentityPool '%s' not found.", id))
}

// IdentityNotFound is the service's answer for an unknown identity. SDKs drop a
// cached id on its type (docs/cognito.md#clients).
func IdentityNotFound(id string) error {
	return ResourceNotFound(fmt.Sprintf("Identity '%s' not found.", id))
}

// AccessForbidden refuses an identity that is disabled or came without a login.
// The .NET SDK drops a cached id on the text's beginning.
func AccessForbidden(id string) error {
	return NotAuthorized(fmt.Sprintf("Access to Identity '%s' is forbidden.", id))
}
