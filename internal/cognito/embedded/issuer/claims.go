package issuer

import (
	"errors"
	"slices"
	"time"
	"unicode/utf8"
)

// Claims are what a token says. Subject, Audience and AMR are always there.
type Claims struct {
	Subject  string            // identity id
	Audience string            // pool id
	AMR      []string          // how the user proved himself
	PoolARN  string            // empty: left out, as for guests
	Tags     map[string]string // principal tags; empty: left out

	// IssuedAt and Expires are of whole seconds; fractions are cut. A token lives
	// longer than nothing and at most 24 hours.
	IssuedAt, Expires time.Time
}

// ErrClaims refuses claims that no token may carry: one that is missing or not
// UTF-8, or times that are no life of up to 24 hours.
var ErrClaims = errors.New("the claims are not those of a token")

// Names of the claims.
const (
	claimSubject  = "sub"
	claimAudience = "aud"
	claimAMR      = "amr"
	claimTags     = "https://aws.amazon.com/tags"
	claimIssuer   = "iss"
	claimPoolARN  = "https://cognito-identity.amazonaws.com/identity-pool-arn"
	claimExpires  = "exp"
	claimIssuedAt = "iat"
	principalTags = "principal_tags" // within claimTags
)

// check refuses what Sign must not make, and Verify therefore not believe.
func (c *Claims) check() error {
	if c.Subject == "" || c.Audience == "" || len(c.AMR) == 0 || slices.Contains(c.AMR, "") {
		return ErrClaims
	}
	if !c.wellFormed() {
		return ErrClaims
	}
	life := c.Expires.Unix() - c.IssuedAt.Unix()
	if c.IssuedAt.Unix() < 0 || life < 1 || life > int64(longestToken/time.Second) {
		return ErrClaims
	}
	return nil
}

// wellFormed reports whether all texts are UTF-8. JSON would replace what is
// not, and make two users one.
func (c *Claims) wellFormed() bool {
	texts := append([]string{c.Subject, c.Audience, c.PoolARN}, c.AMR...)
	for name, value := range c.Tags {
		texts = append(texts, name, value)
	}
	return !slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) })
}
