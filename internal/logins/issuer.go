package logins

import (
	"bytes"
	"context"
	"errors"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/cognito-broker/broker/internal/jwt"
)

// issuer is what tokens may have for iss, with the keys that verify those which do.
type issuer struct {
	text       string
	keys       *keySet
	signatures *oidc.IDTokenVerifier
}

func newIssuer(text string, keys *keySet) *issuer {
	return &issuer{text, keys, oidc.NewVerifier(text, keys, &oidc.Config{
		SkipClientIDCheck:    true, // azp comes before aud: see openID.named
		SkipExpiryCheck:      true, // five minutes of grace: see inTime
		SupportedSigningAlgs: keys.algorithms,
		Now:                  keys.now,
	})}
}

// signer has go-oidc judge a token, and returns the key that it is signed by.
func (i *issuer) signer(ctx context.Context, t *jwt.Token, token string) (*key, error) {
	if t.Demands() {
		return nil, refuse(msgSignature, errDemands)
	}
	text, _ := t.Claims["iss"].(string)
	asked := &asked{keyID: t.KeyID, algorithm: t.Algorithm, issuer: text}
	if _, err := i.signatures.Verify(context.WithValue(ctx, askedName{}, asked), token); err != nil {
		return nil, signatureError(ctx, asked.err)
	}
	if asked.key == nil || !bytes.Equal(asked.payload, t.Payload) {
		return nil, refuse(msgSignature, errNotRead)
	}
	return asked.key, nil
}

// signatureError tells a provider that cannot be asked from a token that is
// wrong. err is the key set's own: go-oidc's may quote the token.
func signatureError(ctx context.Context, err error) error {
	if unavailable, ok := errors.AsType[*Unavailable](err); ok {
		return unavailable
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return refuse(msgSignature, err)
}
