package httpapi

import (
	"encoding/json"
	"regexp"
	"time"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/sts"
)

// grantInput asks for credentials by the enhanced flow, or by the classic one, to which
// the last three members belong.
type grantInput struct {
	Logins          map[string]string     `json:"logins"`
	IdentityID      string                `json:"identityId"`
	CustomRoleARN   string                `json:"customRoleArn"`
	MinRemaining    floor                 `json:"minRemaining"`
	Flow            optional[string]      `json:"flow"`
	RoleARN         optional[string]      `json:"roleArn"`
	RoleSessionName optional[string]      `json:"roleSessionName"`
	DurationSeconds optional[json.Number] `json:"durationSeconds"`
}

func (*grantInput) constraints(pool string, given map[string]any) []constraint {
	return enhancedConstraints(pool, given)
}

// enhancedConstraints are those of the two operations of the enhanced flow.
func enhancedConstraints(pool string, given map[string]any) []constraint {
	id := given["identityId"]
	if id == nil {
		id = pool // valid where a pool's id is; the identity may be left out here
	}
	return []constraint{
		{"GetId", map[string]any{"IdentityPoolId": pool, "Logins": given["logins"]}},
		{"GetCredentialsForIdentity", map[string]any{"IdentityId": id, "CustomRoleArn": given["customRoleArn"]}},
	}
}

type grantAnswer struct {
	IdentityID   string            `json:"identityId"`
	Credentials  credentialsAnswer `json:"credentials"`
	RefreshAfter time.Time         `json:"refreshAfter"`
}

type credentialsAnswer struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	Expiration      time.Time `json:"expiration"`
}

// credentials is a whole flow, enhanced or classic.
func (h *handlers) credentials(r call, in *grantInput) (*grantAnswer, error) {
	r.info.RequestFloor = time.Duration(in.MinRemaining)
	classic, err := in.classic()
	if err != nil {
		return nil, err
	}
	g, err := h.Flows.Grant(r.ctx, flows.GrantRequest{
		Pool: r.pool, IdentityID: in.IdentityID, Logins: in.Logins, RoleARN: in.CustomRoleARN, Classic: classic,
	})
	if err != nil {
		return nil, err
	}
	return answerGrant(g), nil
}

func answerGrant(g *flows.Grant) *grantAnswer {
	return &grantAnswer{
		IdentityID: g.IdentityID, Credentials: answerCredentials(g.Credentials),
		RefreshAfter: g.RefreshAfter.UTC().Truncate(time.Second),
	}
}

func answerCredentials(c cache.Credentials) credentialsAnswer {
	return credentialsAnswer{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretKey,
		SessionToken: c.SessionToken, Expiration: c.Expires.UTC(),
	}
}

// classic is what the classic flow adds; nil is the enhanced flow.
func (in *grantInput) classic() (*flows.Classic, error) {
	switch {
	case !in.Flow.given, in.Flow.value == "enhanced":
		return nil, in.enhancedOnly()
	case in.Flow.value != "classic":
		return nil, cognito.InvalidParameter("flow must be \"enhanced\" or \"classic\".")
	case in.CustomRoleARN != "":
		return nil, cognito.InvalidParameter("customRoleArn is for the enhanced flow; the classic flow takes roleArn.")
	}
	if role := in.RoleARN; !role.fits || len(role.value) < 20 || len(role.value) > 2048 {
		return nil, cognito.Validation("roleArn must be the ARN of a role, 20 to 2048 characters, in the classic flow.")
	}
	if name := in.RoleSessionName; name.given && (!name.fits || !sessionName.MatchString(name.value)) {
		return nil, cognito.Validation("roleSessionName must be 2 to 64 letters, digits or _ = , . @ + -.")
	}
	duration, err := durationSeconds(in.DurationSeconds)
	return &flows.Classic{RoleARN: in.RoleARN.value, SessionName: in.RoleSessionName.value, Duration: duration}, err
}

var sessionName = regexp.MustCompile(`\A[\w+=,.@-]{2,64}\z`)

// enhancedOnly refuses members of the classic flow.
func (in *grantInput) enhancedOnly() error {
	for _, m := range []struct {
		name  string
		given bool
	}{
		{"roleArn", in.RoleARN.given},
		{"roleSessionName", in.RoleSessionName.given},
		{"durationSeconds", in.DurationSeconds.given},
	} {
		if m.given {
			return cognito.InvalidParameter(m.name + " is for \"flow\": \"classic\".")
		}
	}
	return nil
}

// durationSeconds reads STS's parameter of that name; zero where it was left out.
func durationSeconds(m optional[json.Number]) (time.Duration, error) {
	if !m.given {
		return 0, nil
	}
	const least, most = int64(sts.MinDuration / time.Second), int64(sts.MaxDuration / time.Second)
	whole, err := m.value.Int64()
	if !m.fits || err != nil || whole < least || whole > most {
		return 0, cognito.Validation("durationSeconds must be a whole number from 900 to 43200.")
	}
	return time.Duration(whole) * time.Second, nil
}
