package issuer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// payload is a token's second part, its members in the service's order
// (reference 5.1).
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

// decode reads a payload whose signature is good. Members that it does not know
// are left alone: a newer release may have signed them.
func decode(text []byte) (c *Claims, issuer string, err error) {
	all, err := members(text)
	if err != nil {
		return nil, "", err
	}
	c = new(Claims)
	var issued, expires int64
	for _, m := range []struct {
		name string
		into any
	}{
		{claimSubject, &c.Subject}, {claimAudience, &c.Audience}, {claimAMR, &c.AMR}, {claimPoolARN, &c.PoolARN},
		{claimIssuer, &issuer}, {claimExpires, &expires}, {claimIssuedAt, &issued},
	} {
		if value, ok := all[m.name]; ok && json.Unmarshal(value, m.into) != nil {
			return nil, "", errMember
		}
	}
	if value, ok := all[claimTags]; ok {
		if c.Tags, err = decodeTags(value); err != nil {
			return nil, "", err
		}
	}
	c.IssuedAt, c.Expires = time.Unix(issued, 0).UTC(), time.Unix(expires, 0).UTC()
	return c, issuer, nil
}

func decodeTags(text []byte) (map[string]string, error) {
	claim, err := members(text)
	if err != nil {
		return nil, err
	}
	principal, err := members(claim[principalTags])
	if err != nil {
		return nil, err
	}
	decoded := make(map[string]string, len(principal))
	for name, value := range principal {
		var values []string
		if json.Unmarshal(value, &values) != nil || len(values) != 1 {
			return nil, errMember
		}
		decoded[name] = values[0]
	}
	return decoded, nil
}
