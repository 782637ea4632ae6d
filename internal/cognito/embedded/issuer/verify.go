package issuer

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"errors"
	"time"

	"github.com/cognito-broker/broker/internal/jwt"
)

// maxAhead is how far ahead of the clock a token may have been issued: the clock
// may have been set back since.
const maxAhead = 5 * time.Minute

// What can be wrong with a well-formed token.
var (
	errHeader    = errors.New("the header is not one of ours")
	errKey       = errors.New("the key is unknown or past its time")
	errSignature = errors.New("the signature does not verify")
	errAhead     = errors.New("the token was issued in the future")
)

// Verify returns the claims of a token that Sign made and that is alive, by a
// key in use or retired for less than 25 hours. It fails with *Invalid. Claims
// are believed only after the signature, and without grace: our own clock made
// them.
func (i *Issuer) Verify(text string) (*Claims, error) {
	now := i.time()
	if len(text) > maxToken {
		return nil, &Invalid{Reason: Malformed, cause: jwt.ErrSize}
	}
	t, err := jwt.Parse(text)
	if err != nil {
		return nil, &Invalid{Reason: Malformed, cause: err}
	}
	if err := i.verifySignature(t, now); err != nil {
		return nil, err
	}
	c, issuer, err := decode(t.Claims)
	if err != nil {
		return nil, &Invalid{Reason: Malformed, cause: err}
	}
	if issuer != i.config.Issuer {
		return nil, &Invalid{Reason: Foreign}
	}
	if err := c.check(); err != nil {
		return nil, &Invalid{Reason: Malformed, cause: err}
	}
	if c.IssuedAt.After(now.Add(maxAhead)) {
		return nil, &Invalid{Reason: Malformed, cause: errAhead}
	}
	if !now.Before(c.Expires) {
		return nil, &Invalid{Reason: Expired, Expired: c.Expires}
	}
	return c, nil
}

// verifySignature takes the header of a Cognito token (docs/cognito.md#the-openid-token) and
// nothing beside it: the token has no say in how it is verified.
func (i *Issuer) verifySignature(t *jwt.Token, now time.Time) error {
	if len(t.Header) != 3 || t.KeyID == "" || t.Type != tokenType || t.Algorithm != algorithm {
		return &Invalid{Reason: Unverified, cause: errHeader}
	}
	k, ok := i.current.Load().byID[t.KeyID]
	if !ok || !k.verifies(now) {
		return &Invalid{Reason: Unverified, cause: errKey}
	}
	digest := sha512.Sum512([]byte(t.Signed))
	if rsa.VerifyPKCS1v15(&k.private.PublicKey, crypto.SHA512, digest[:], t.Signature) != nil {
		return &Invalid{Reason: Unverified, cause: errSignature}
	}
	return nil
}
