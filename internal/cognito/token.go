package cognito

import "time"

// Token is what an OpenID token of Cognito's own says (docs/cognito.md#the-openid-token).
type Token struct {
	Pool     string // aud
	Identity string // sub
	AMR      []string
	Tags     map[string]string // principal tags
	Issued   time.Time
	Expires  time.Time
}
