package sts

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// maxQuoted bounds what a refusal repeats of a token's issuer, in characters.
const maxQuoted = 255

// NotAuthorized refuses a role: AccessDenied, in the words that STS has for a
// trust policy that says no and for a role that does not exist alike. The cause
// is for the log and may be nil.
func NotAuthorized(cause error) error {
	return &Error{Code: CodeAccessDenied, Message: msgNotAuthorized, cause: cause}
}

// InvalidToken refuses what is no JWT at all: InvalidIdentityToken. The cause is
// for the log, holds nothing of the token, and may be nil.
func InvalidToken(cause error) error {
	return &Error{
		Code:    CodeInvalidIdentityToken,
		Message: "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
		cause:   cause,
	}
}

// UnknownProvider refuses a token of an issuer that nobody registered:
// InvalidIdentityToken. Of iss, which nothing vouches for, the message repeats
// 255 characters at most, those that do not print as question marks.
func UnknownProvider(iss string) error {
	return &Error{
		Code:    CodeInvalidIdentityToken,
		Message: "No OpenIDConnect provider found in your account for " + printable(iss, maxQuoted),
	}
}

// UnverifiedToken refuses a token whose signature no key of its issuer proves:
// InvalidIdentityToken. The cause is for the log, holds nothing of the token, and
// may be nil.
func UnverifiedToken(cause error) error {
	return &Error{
		Code: CodeInvalidIdentityToken,
		Message: "Couldn't retrieve verification key from your identity provider, " +
			" please reference AssumeRoleWithWebIdentity documentation for requirements", // two spaces, as STS has them
		cause: cause,
	}
}

// ExpiredToken refuses a token that expired at expires: ExpiredTokenException,
// with both times in seconds since the epoch. The cause is for the log and may
// be nil.
func ExpiredToken(now, expires time.Time, cause error) error {
	return &Error{
		Code: CodeExpiredIdentityToken,
		Message: fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d",
			now.Unix(), expires.Unix()),
		cause: cause,
	}
}

func packedTooLarge(what string, percent int) error {
	return &Error{
		Code:    CodePackedPolicyTooLarge,
		Message: fmt.Sprintf("Packed size of %s consumes %d%% of allotted space.", what, percent),
	}
}

// printable is at most limit characters of s, those that do not print replaced.
func printable(s string, limit int) string {
	var b strings.Builder
	for _, c := range s {
		if limit--; limit < 0 {
			break
		}
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			c = '?'
		}
		b.WriteRune(c)
	}
	return b.String()
}
