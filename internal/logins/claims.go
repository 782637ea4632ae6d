package logins

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/jwt"
)

// Limits of a token.
const (
	maxSubject = 1024 // bytes
	grace      = 5 * time.Minute
)

// Literal texts of the service (docs/cognito.md#login-tokens); those marked are of the same
// family, and were not seen.
const (
	msgNoToken   = "Invalid login token. Not a valid OpenId Connect identity token."
	msgCognito   = "Invalid login token. Can't pass in a Cognito token."
	msgIssuer    = "Invalid login token. Issuer doesn't match providerName"
	msgSignature = "Invalid login token. Couldn't verify signed token."
	msgMissing   = "Invalid login token. Missing a required claim: %s"
	msgLong      = "Invalid login token. The claim sub is longer than %d bytes." // not seen
	msgAudience  = "Invalid login token. Incorrect token audience."
	msgExpired   = "Invalid login token. Token expired: %d >= %d"
	msgEarly     = "Invalid login token. Token is not valid yet: %d < %d" // not seen
	msgOpaque    = "Invalid login token."                                 // not seen
	// msgUnsupported is also whoever's who knows which providers a pool lists.
	msgUnsupported = "Token is not from a supported provider of this identity pool."
)

// Causes of refusals that several tokens share. None quotes the token.
var (
	errDemands  = errors.New("the token's header asks for what is not understood")
	errNotRead  = errors.New("what was verified is not what was read")
	errAudience = errors.New("the token is for a client that client_ids does not list")
	errClaim    = errors.New("a claim has the wrong type")
)

func refuse(message string, cause error) error { return &Refused{Message: message, cause: cause} }

// payload is what is read of a token's claims. Both forms of aud are accepted.
type payload struct {
	token    *jwt.Token
	Issuer   string
	Subject  string
	Audience []string
	Party    *string // azp
	Expires  *int64
	Issued   *int64
	Before   *int64
}

// peek reads a token's claims without believing them.
func peek(token string) (*payload, error) {
	t, err := jwt.Parse(token)
	if err != nil {
		return nil, refuse(msgNoToken, err)
	}
	return readPayload(t)
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

// StatedExpiry is the exp that a token states, which nobody vouches for; stated is
// false where it states none or is no JSON Web Token. It fails for what has the form
// of one and cannot be read in one way only: others may read an expiry in it.
func StatedExpiry(token string) (at time.Time, stated bool, err error) {
	claims, err := peek(token)
	switch {
	case err != nil && strings.Count(token, ".") == 2:
		return time.Time{}, false, err
	case err != nil || claims.Expires == nil:
		return time.Time{}, false, nil
	}
	return time.Unix(*claims.Expires, 0), true, nil
}

// readPayload reads the claims that decide. A claim that is null says as little as
// one that is absent.
func readPayload(t *jwt.Token) (*payload, error) {
	p := &payload{token: t}
	for name, into := range map[string]*string{"iss": &p.Issuer, "sub": &p.Subject} {
		text, ok := t.Claims[name].(string)
		if !ok && t.Claims[name] != nil {
			return nil, refuse(msgNoToken, errClaim)
		}
		*into = text
	}
	var ok bool
	if p.Audience, ok = audience(t.Claims["aud"]); !ok {
		return nil, refuse(msgNoToken, errClaim)
	}
	if v := t.Claims["azp"]; v != nil {
		party, ok := v.(string)
		if !ok {
			return nil, refuse(msgNoToken, errClaim)
		}
		p.Party = &party
	}
	for name, into := range map[string]**int64{"exp": &p.Expires, "iat": &p.Issued, "nbf": &p.Before} {
		if *into, ok = seconds(t.Claims[name]); !ok {
			return nil, refuse(msgNoToken, errClaim)
		}
	}
	return p, nil
}

func audience(v any) (all []string, ok bool) {
	switch aud := v.(type) {
	case nil:
		return nil, true
	case string:
		return []string{aud}, true
	case []any:
		for _, one := range aud {
			text, ok := one.(string)
			if !ok {
				return nil, false
			}
			all = append(all, text)
		}
		return all, true
	}
	return nil, false
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

// inTime refuses a token that has expired or is not valid yet, but for the grace.
func (c *payload) inTime(now time.Time) error {
	if !now.Before(time.Unix(*c.Expires, 0).Add(grace)) {
		return refuse(fmt.Sprintf(msgExpired, now.Unix(), *c.Expires), nil)
	}
	for _, from := range []*int64{c.Before, c.Issued} {
		if from != nil && time.Unix(*from, 0).After(now.Add(grace)) {
			return refuse(fmt.Sprintf(msgEarly, now.Unix(), *from), nil)
		}
	}
	return nil
}
