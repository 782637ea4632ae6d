package issuer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// payload is a token's second part, its members in the service's order
// (docs/cognito.md#the-openid-token).
type payload struct {
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	AMR      []string `json:"amr"`
	Tags     *tags    `json:"https://aws.amazon.com/tags,omitempty"`
	Issuer   string   `json:"iss"`
	PoolARN  string   `json:"https://cognito-identity.amazonaws.com/identity-pool-arn,omitempty"`
	Expires  int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
}

type tags struct {
	Principal map[string][1]string `json:"principal_tags"`
}

// encode writes claims as compact JSON, in which a name appears as it is: the
// encoder's escapes for HTML have no place in a token.
func encode(issuer string, c *Claims) ([]byte, error) {
	p := payload{
		Subject: c.Subject, Audience: c.Audience, AMR: c.AMR, Issuer: issuer, PoolARN: c.PoolARN,
		Expires: c.Expires.Unix(), IssuedAt: c.IssuedAt.Unix(),
	}
	if len(c.Tags) > 0 {
		p.Tags = &tags{Principal: map[string][1]string{}}
		for name, value := range c.Tags {
			p.Tags.Principal[name] = [1]string{value}
		}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return nil, fmt.Errorf("encode claims: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// errMember says that a claim has not the type that Sign gives it.
var errMember = errors.New("a claim has the wrong type")

// decode reads the claims of a token whose signature is good. Members that it does
// not know are left alone: a newer release may have signed them.
func decode(all map[string]any) (c *Claims, issuer string, err error) {
	c = new(Claims)
	for name, into := range map[string]*string{
		claimSubject: &c.Subject, claimAudience: &c.Audience, claimPoolARN: &c.PoolARN, claimIssuer: &issuer,
	} {
		v, there := all[name]
		text, ok := v.(string)
		if there && !ok {
			return nil, "", errMember
		}
		*into = text
	}
	for name, into := range map[string]*time.Time{claimIssuedAt: &c.IssuedAt, claimExpires: &c.Expires} {
		seconds := int64(0)
		if v, there := all[name]; there {
			number, _ := v.(json.Number)
			if seconds, err = number.Int64(); err != nil {
				return nil, "", errMember
			}
		}
		*into = time.Unix(seconds, 0).UTC()
	}
	if v, there := all[claimAMR]; there {
		if c.AMR, err = textsOf(v); err != nil {
			return nil, "", err
		}
	}
	if v, there := all[claimTags]; there {
		if c.Tags, err = decodeTags(v); err != nil {
			return nil, "", err
		}
	}
	return c, issuer, nil
}

func decodeTags(v any) (map[string]string, error) {
	claim, _ := v.(map[string]any)
	principal, ok := claim[principalTags].(map[string]any)
	if !ok {
		return nil, errMember
	}
	decoded := make(map[string]string, len(principal))
	for name, v := range principal {
		values, err := textsOf(v)
		if err != nil || len(values) != 1 {
			return nil, errMember
		}
		decoded[name] = values[0]
	}
	return decoded, nil
}

func textsOf(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errMember
	}
	texts := make([]string, len(list))
	for n, one := range list {
		if texts[n], ok = one.(string); !ok {
			return nil, errMember
		}
	}
	return texts, nil
}
