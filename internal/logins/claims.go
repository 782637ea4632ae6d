package logins

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Limits of a token.
const (
	maxToken   = 50000 // characters (reference 2.1)
	maxSubject = 1024  // bytes
	grace      = 5 * time.Minute
)

// Literal texts of the service (reference 6.2).
const (
	msgNoToken     = "Invalid login token. Not a valid OpenId Connect identity token."
	msgCognito     = "Invalid login token. Can't pass in a Cognito token."
	msgIssuer      = "Invalid login token. Issuer doesn't match providerName"
	msgSignature   = "Invalid login token. Couldn't verify signed token."
	msgMissing     = "Invalid login token. Missing a required claim: %s"
	msgUnsupported = "Token is not from a supported provider of this identity pool."
	msgExpired     = "Invalid login token. Token expired: %d >= %d"
	msgEarly       = "Invalid login token. Token is not valid yet: %d < %d" // of the same family; not seen
)

func refuse(message string, cause error) error { return &Refused{Message: message, cause: cause} }

var errDuplicate = errors.New("a claim stands twice")

// payload is what is read of a token's claims. Both forms of aud are accepted.
type payload struct {
	Issuer   string
	Subject  string
	Audience []string
	Party    *string // azp
	Expires  *int64
	Issued   *int64
	Before   *int64
	all      map[string]any
}

// peek reads a token's claims without believing them.
func peek(token string) (*payload, error) {
	if len(token) > maxToken {
		return nil, refuse(msgNoToken, nil)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, refuse(msgNoToken, nil)
	}
	var header map[string]any
	for n, into := range []*map[string]any{&header, nil} {
		text, err := base64.RawURLEncoding.Strict().DecodeString(parts[n])
		if err != nil {
			return nil, refuse(msgNoToken, nil)
		}
		if into == nil {
			return readPayload(text)
		}
		if *into, err = object(text); err != nil {
			return nil, refuse(msgNoToken, err)
		}
	}
	return nil, refuse(msgNoToken, nil)
}

// UnverifiedIssuer is what a token says its issuer is, for a message; nobody
// vouches for it. It is empty where the token is none.
func UnverifiedIssuer(token string) string {
	claims, err := peek(token)
	if err != nil {
		return ""
	}
	return claims.Issuer
}

// StatedExpiry is the exp that a token states, which nobody vouches for; false
// where it states none or is no JWT.
func StatedExpiry(token string) (at time.Time, ok bool) {
	claims, err := peek(token)
	if err != nil || claims.Expires == nil {
		return time.Time{}, false
	}
	return time.Unix(*claims.Expires, 0), true
}

func readPayload(text []byte) (*payload, error) {
	all, err := object(text)
	if err != nil {
		return nil, refuse(msgNoToken, err)
	}
	p := &payload{all: all}
	ok := true
	p.Issuer, ok = all["iss"].(string)
	if !ok && all["iss"] != nil {
		return nil, refuse(msgNoToken, nil)
	}
	if p.Subject, ok = all["sub"].(string); !ok && all["sub"] != nil {
		return nil, refuse(msgNoToken, nil)
	}
	switch aud := all["aud"].(type) {
	case nil:
	case string:
		p.Audience = []string{aud}
	case []any:
		for _, v := range aud {
			text, ok := v.(string)
			if !ok {
				return nil, refuse(msgNoToken, nil)
			}
			p.Audience = append(p.Audience, text)
		}
	default:
		return nil, refuse(msgNoToken, nil)
	}
	if v := all["azp"]; v != nil {
		party, ok := v.(string)
		if !ok {
			return nil, refuse(msgNoToken, nil)
		}
		p.Party = &party
	}
	for name, into := range map[string]**int64{"exp": &p.Expires, "iat": &p.Issued, "nbf": &p.Before} {
		if *into, ok = seconds(all[name]); !ok {
			return nil, refuse(msgNoToken, nil)
		}
	}
	return p, nil
}

// seconds reads a NumericDate; fractions are cut.
func seconds(v any) (at *int64, ok bool) {
	if v == nil {
		return nil, true
	}
	n, isNumber := v.(json.Number)
	if !isNumber {
		return nil, false
	}
	f, err := n.Float64()
	if err != nil || f < 0 || f > 1<<40 {
		return nil, false
	}
	whole := int64(f)
	return &whole, true
}

// object decodes a JSON object whose own members stand once: two readers of a
// claim that stands twice could believe different things.
func object(text []byte) (map[string]any, error) {
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&all); err != nil || all == nil {
		return nil, errors.New("no JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("bytes behind the object")
	}
	count := 0
	d = json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return nil, err
		}
		count++
	}
	if count != len(all) {
		return nil, errDuplicate
	}
	return all, nil
}

func (p *Prover) refuseCognito(issuer string) error {
	if issuer != "" && slices.Contains(p.cognito, issuer) {
		return refuse(msgCognito, nil)
	}
	return nil
}

// verify runs the checks in the documented order (reference 6.2).
func (p *Prover) verify(ctx context.Context, from *provider, token string) (*Proof, error) {
	claims, err := peek(token)
	if err != nil {
		return nil, err
	}
	if err := p.refuseCognito(claims.Issuer); err != nil {
		return nil, err
	}
	if claims.Issuer != from.Issuer {
		return nil, refuse(msgIssuer, nil)
	}
	used := &usedKey{}
	verified, err := from.verifier.Verify(context.WithValue(ctx, usedKeyName{}, used), token)
	if err != nil {
		return nil, signatureError(ctx, used.err)
	}
	client, err := from.check(claims, p.now())
	if err != nil {
		return nil, err
	}
	now := p.now()
	expires := time.Unix(*claims.Expires, 0)
	until := now.Add(proofLimit)
	if expires.Before(until) {
		until = expires
	}
	return &Proof{
		Provider: from.Name, Issuer: verified.Issuer, Subject: verified.Subject, ClientID: client,
		Audience: claims.Audience, Expires: expires,
		claims: claims.all, until: until.UnixNano(), keys: from.keys, key: used.key,
	}, nil
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
func (f *provider) check(c *payload, now time.Time) (client string, err error) {
	switch {
	case len(c.Audience) == 0:
		return "", refuse(fmt.Sprintf(msgMissing, "aud"), nil)
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return "", refuse(fmt.Sprintf(msgMissing, "sub"), nil)
	case c.Expires == nil:
		return "", refuse(fmt.Sprintf(msgMissing, "exp"), nil)
	}
	if client = f.client(c); client == "" {
		return "", refuse(msgUnsupported, nil)
	}
	if !now.Before(time.Unix(*c.Expires, 0).Add(grace)) {
		return "", refuse(fmt.Sprintf(msgExpired, now.Unix(), *c.Expires), nil)
	}
	if c.Before != nil && time.Unix(*c.Before, 0).After(now.Add(grace)) {
		return "", refuse(fmt.Sprintf(msgEarly, now.Unix(), *c.Before), nil)
	}
	if c.Issued != nil && time.Unix(*c.Issued, 0).After(now.Add(grace)) {
		return "", refuse(fmt.Sprintf(msgEarly, now.Unix(), *c.Issued), nil)
	}
	return client, nil
}

// client is the authorised party if the token names one, else an audience; it
// must be configured.
func (f *provider) client(c *payload) string {
	if c.Party != nil {
		if slices.Contains(f.ClientIDs, *c.Party) {
			return *c.Party
		}
		return ""
	}
	for _, aud := range c.Audience {
		if slices.Contains(f.ClientIDs, aud) {
			return aud
		}
	}
	return ""
}
