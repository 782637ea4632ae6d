package issuer

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"strings"
	"time"
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

// token is a token taken apart.
type token struct {
	header, payload, signature []byte
	signed                     string // what the signature is over
}

// Verify returns the claims of a token that Sign made and that is alive, by a
// key in use or retired for less than 25 hours. It fails with *Invalid. Claims
// are believed only after the signature, and without grace: our own clock made
// them.
func (i *Issuer) Verify(text string) (*Claims, error) {
	now := i.time()
	t, err := split(text)
	if err != nil {
		return nil, &Invalid{Reason: Malformed, cause: err}
	}
	if err := i.verifySignature(t, now); err != nil {
		return nil, err
	}
	c, issuer, err := decode(t.payload)
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

func split(text string) (*token, error) {
	if len(text) > maxToken {
		return nil, errSize
	}
	parts := strings.SplitN(text, ".", 4)
	if len(parts) != 3 {
		return nil, errParts
	}
	t := &token{signed: text[:len(parts[0])+1+len(parts[1])]}
	for n, into := range []*[]byte{&t.header, &t.payload, &t.signature} {
		decoded, err := part(parts[n])
		if err != nil {
			return nil, err
		}
		*into = decoded
	}
	return t, nil
}

func (i *Issuer) verifySignature(t *token, now time.Time) error {
	h, err := readHeader(t.header)
	if err != nil {
		return err
	}
	k, ok := i.current.Load().byID[h.KeyID]
	if !ok || !k.verifies(now) {
		return &Invalid{Reason: Unverified, cause: errKey}
	}
	digest := sha512.Sum512([]byte(t.signed))
	if rsa.VerifyPKCS1v15(&k.private.PublicKey, crypto.SHA512, digest[:], t.signature) != nil {
		return &Invalid{Reason: Unverified, cause: errSignature}
	}
	return nil
}

// readHeader takes the header of reference 5.1 and nothing beside it: the token
// has no say in how it is verified.
func readHeader(text []byte) (header, error) {
	var h header
	all, err := members(text)
	if err != nil {
		return h, &Invalid{Reason: Malformed, cause: err}
	}
	for name, into := range map[string]*string{"kid": &h.KeyID, "typ": &h.Type, "alg": &h.Algorithm} {
		if json.Unmarshal(all[name], into) != nil {
			return h, &Invalid{Reason: Unverified, cause: errHeader}
		}
	}
	if len(all) != 3 || h.Type != tokenType || h.Algorithm != algorithm {
		return h, &Invalid{Reason: Unverified, cause: errHeader}
	}
	return h, nil
}
