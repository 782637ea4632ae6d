package logins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/cognito-broker/broker/internal/jwt"
)

// openID proves logins at an OpenID provider by its ID tokens (OpenID Connect Core 1.0,
// section 3.1.3.7, as the service applies it: docs/cognito.md#login-tokens).
type openID struct {
	Provider
	cognito    issuers
	now        func() time.Time
	keys       *keySet
	signatures *oidc.IDTokenVerifier
}

func newOpenID(p Provider, c *Config) *openID {
	if len(p.Algorithms) == 0 {
		p.Algorithms = DefaultAlgorithms
	}
	fetch := p.Keys
	if fetch == nil {
		client := newClient(c.Transport, p.Roots)
		fetch = (&source{issuer: p.Issuer, keys: p.KeysURL, client: client}).fetch
	}
	keys := &keySet{
		name: p.Name, fetch: fetch, now: c.Now, timeout: c.FetchTimeout, onFetch: c.OnFetch, onChange: c.OnKeys,
		algorithms: p.Algorithms,
	}
	signatures := oidc.NewVerifier(p.Issuer, keys, &oidc.Config{
		SkipClientIDCheck:    true, // azp comes before aud: see client
		SkipExpiryCheck:      true, // five minutes of grace: see inTime
		SupportedSigningAlgs: p.Algorithms,
		Now:                  c.Now,
	})
	return &openID{Provider: p, cognito: c.CognitoIssuers, now: c.Now, keys: keys, signatures: signatures}
}

// Verify runs the checks in the documented order. go-oidc judges signature and issuer, and
// nothing else of what it reads is used: the claims are those that our own reader found in
// the very bytes that were verified.
func (o *openID) Verify(ctx context.Context, token string) (*Proof, error) {
	claims, err := peek(token)
	if err != nil {
		return nil, err
	}
	if err := o.cognito.refuse(claims.Issuer); err != nil {
		return nil, err
	}
	if claims.Issuer != o.Issuer {
		return nil, refuse(msgIssuer, nil)
	}
	key, err := o.signer(ctx, claims.token, token)
	if err != nil {
		return nil, err
	}
	now := o.now()
	client, err := o.check(claims, now)
	if err != nil {
		return nil, err
	}
	expires := time.Unix(*claims.Expires, 0)
	until := now.Add(proofLimit)
	if expires.Before(until) {
		until = expires
	}
	return &Proof{
		Provider: o.Name, Subject: claims.Subject, ClientID: client, Expires: expires,
		Standing: Until(until, key), claims: claims.token.Claims,
	}, nil
}

// Claims reads a token that was verified.
func (o *openID) Claims(token string) (map[string]any, error) {
	claims, err := peek(token)
	if err != nil {
		return nil, err
	}
	return claims.token.Claims, nil
}

// Ask fetches the key set.
func (o *openID) Ask(ctx context.Context) (usable int, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.keys.timeout)
	defer cancel()
	if err := o.keys.load(ctx); err != nil {
		return 0, err
	}
	return o.keys.current.Load().count, nil
}

// Run refreshes the key set hourly, once it is in use.
func (o *openID) Run(ctx context.Context) { o.keys.run(ctx) }

// signer has go-oidc judge a token, and returns the key that it is signed by.
func (o *openID) signer(ctx context.Context, t *jwt.Token, token string) (*key, error) {
	if t.Demands() {
		return nil, refuse(msgSignature, errDemands)
	}
	asked := &asked{keyID: t.KeyID, algorithm: t.Algorithm}
	if _, err := o.signatures.Verify(context.WithValue(ctx, askedName{}, asked), token); err != nil {
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

// check looks at the claims of a token whose signature is good, and returns the
// client that it was made for.
func (o *openID) check(c *payload, now time.Time) (client string, err error) {
	if len(c.Audience) == 0 {
		return "", refuse(fmt.Sprintf(msgMissing, "aud"), nil)
	}
	if err := c.isIDToken(); err != nil {
		return "", refuse(msgNoToken, err)
	}
	switch {
	case c.Subject == "":
		return "", refuse(fmt.Sprintf(msgMissing, "sub"), nil)
	case len(c.Subject) > maxSubject:
		return "", refuse(fmt.Sprintf(msgLong, maxSubject), nil)
	case c.Expires == nil:
		return "", refuse(fmt.Sprintf(msgMissing, "exp"), nil)
	}
	if client = o.client(c); client == "" {
		return "", refuse(msgAudience, errAudience)
	}
	return client, c.inTime(now)
}

// client is the authorised party if the token names one, else an audience, as it is
// configured; empty where it is not.
func (o *openID) client(c *payload) string {
	named := c.Audience
	if c.Party != nil {
		named = []string{*c.Party}
	}
	for _, one := range named {
		if i := slices.Index(o.ClientIDs, one); i >= 0 {
			return o.ClientIDs[i] // shared by all proofs
		}
	}
	return ""
}
