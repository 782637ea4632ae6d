package issuer

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
)

// What the header says of every token.
const (
	tokenType = "JWS"
	algorithm = "RS512"
)

// maxToken is the longest web identity token that STS takes, in bytes
// (docs/cognito.md#assumerolewithwebidentity).
const maxToken = 20000

// ErrTooLarge says that the claims would make a token of more than 20,000 bytes.
var ErrTooLarge = errors.New("the token would be larger than STS takes")

// header is a token's first part, its members in the service's order.
type header struct {
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
	Algorithm string `json:"alg"`
}

// Sign mints a token. It fails with ErrClaims or ErrTooLarge, which asking again
// does not change. No more than MaxSigning signatures are made at once; whoever
// waits for his turn leaves with the context's error when that ends.
func (i *Issuer) Sign(ctx context.Context, c Claims) (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	text, err := encode(i.config.Issuer, &c)
	if err != nil {
		return "", err
	}
	if err := acquire(ctx, i.signing); err != nil {
		return "", fmt.Errorf("wait to sign: %w", err)
	}
	defer release(i.signing)
	return i.current.Load().signing.sign(text)
}

func (k *key) sign(text []byte) (string, error) {
	encoding := base64.RawURLEncoding
	size := len(k.header) + 1 + encoding.EncodedLen(len(text)) + 1 + encoding.EncodedLen(k.private.Size())
	if size > maxToken {
		return "", ErrTooLarge
	}
	token := make([]byte, 0, size)
	token = append(append(token, k.header...), '.')
	token = encoding.AppendEncode(token, text)
	digest := sha512.Sum512(token)
	signature, err := rsa.SignPKCS1v15(nil, k.private, crypto.SHA512, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return string(encoding.AppendEncode(append(token, '.'), signature)), nil
}

// acquire takes one of a channel's places, or leaves with the context's error. A
// context that has ended gets none, though one be free.
func acquire(ctx context.Context, places chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func release(places chan struct{}) { <-places }
