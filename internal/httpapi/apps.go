package httpapi

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/sts"
)

type identityAnswer struct {
	IdentityID string `json:"identityId"`
}

// identity is GetId.
func (s *Server) identity(r call) (any, error) {
	if err := only(r.tree, "logins"); err != nil {
		return nil, err
	}
	out, err := awswire.Invoke(r.ctx, s.Flows, "GetId", members(map[string]any{
		"IdentityPoolId": r.pool, "Logins": r.tree["logins"],
	}))
	if err != nil {
		return nil, err
	}
	return identityAnswer{IdentityID: identityOf(out)}, nil
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
func (s *Server) credentials(r call) (any, error) {
	request, err := grantRequest(r)
	if err != nil {
		return nil, err
	}
	g, err := s.Flows.Grant(r.ctx, request)
	if err != nil {
		return nil, err
	}
	return showGrant(g), nil
}

func showGrant(g *flows.Grant) grantAnswer {
	return grantAnswer{
		IdentityID: g.IdentityID, Credentials: showCredentials(g.Credentials),
		RefreshAfter: g.RefreshAfter.UTC().Truncate(time.Second),
	}
}

func showCredentials(c cache.Credentials) credentialsAnswer {
	return credentialsAnswer{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretKey,
		SessionToken: c.SessionToken, Expiration: c.Expires.UTC(),
	}
}

func grantRequest(r call) (flows.GrantRequest, error) {
	none := flows.GrantRequest{}
	err := only(r.tree, "logins", "identityId", "customRoleArn", "minRemaining", "flow", "roleArn", "roleSessionName", "durationSeconds")
	if err != nil {
		return none, err
	}
	if r.ask.RequestFloor, err = minRemaining(r.tree["minRemaining"]); err != nil {
		return none, err
	}
	if err := checkNames(r); err != nil {
		return none, err
	}
	request := flows.GrantRequest{
		Pool: r.pool, IdentityID: text(r.tree["identityId"]), Logins: texts(r.tree["logins"]),
		RoleARN: text(r.tree["customRoleArn"]),
	}
	request.Classic, err = classic(r.tree)
	return request, err
}

// checkNames holds pool, identity and logins against the service's model.
func checkNames(r call) error {
	if err := cognito.Validate("GetId", members(map[string]any{"IdentityPoolId": r.pool, "Logins": r.tree["logins"]})); err != nil {
		return err
	}
	id := r.tree["identityId"]
	if id == nil {
		id = r.pool // of the same shape: only the other members are in question
	}
	return cognito.Validate("GetCredentialsForIdentity", members(map[string]any{
		"IdentityId": id, "CustomRoleArn": r.tree["customRoleArn"],
	}))
}

// classic reads what the classic flow adds; nil is the enhanced flow.
func classic(tree map[string]any) (*flows.Classic, error) {
	switch tree["flow"] {
	case nil, "enhanced":
		for _, name := range []string{"roleArn", "roleSessionName", "durationSeconds"} {
			if tree[name] != nil {
				return nil, cognito.InvalidParameter(name + " is for \"flow\": \"classic\".")
			}
		}
		return nil, nil
	case "classic":
	default:
		return nil, cognito.InvalidParameter("flow must be \"enhanced\" or \"classic\".")
	}
	if tree["customRoleArn"] != nil {
		return nil, cognito.InvalidParameter("customRoleArn is for the enhanced flow; the classic flow takes roleArn.")
	}
	role, ok := tree["roleArn"].(string)
	if !ok || len(role) < 20 || len(role) > 2048 {
		return nil, cognito.Validation("roleArn must be the ARN of a role, 20 to 2048 characters, in the classic flow.")
	}
	name, ok := tree["roleSessionName"].(string)
	if tree["roleSessionName"] != nil && (!ok || !sessionName.MatchString(name)) {
		return nil, cognito.Validation("roleSessionName must be 2 to 64 letters, digits or _ = , . @ + -.")
	}
	duration, err := durationSeconds(tree["durationSeconds"])
	return &flows.Classic{RoleARN: role, SessionName: name, Duration: duration}, err
}

var sessionName = regexp.MustCompile(`\A[\w+=,.@-]{2,64}\z`)

// durationSeconds reads STS's parameter of that name; zero where it is left out.
func durationSeconds(v any) (time.Duration, error) {
	if v == nil {
		return 0, nil
	}
	n, ok := v.(json.Number)
	whole, err := n.Int64()
	if !ok || err != nil || whole < int64(sts.MinDuration/time.Second) || whole > int64(sts.MaxDuration/time.Second) {
		return 0, cognito.Validation("durationSeconds must be a whole number from 900 to 43200.")
	}
	return time.Duration(whole) * time.Second, nil
}

type tokenAnswer struct {
	IdentityID string    `json:"identityId"`
	Token      string    `json:"token"`
	Expiration time.Time `json:"expiration"`
}

func showToken(t *flows.TokenGrant) tokenAnswer {
	return tokenAnswer{IdentityID: t.IdentityID, Token: t.Token, Expiration: t.Expires.UTC()}
}

// token is GetOpenIdToken.
func (s *Server) token(r call) (any, error) {
	if err := identityAndLogins(r, "GetOpenIdToken"); err != nil {
		return nil, err
	}
	t, err := s.Flows.Token(r.ctx, r.pool, text(r.tree["identityId"]), texts(r.tree["logins"]))
	if err != nil {
		return nil, err
	}
	return showToken(t), nil
}

type linkAnswer struct {
	IdentityID string   `json:"identityId"`
	Logins     []string `json:"logins"`
}

// link links the call's logins to an identity and names them.
func (s *Server) link(r call) (any, error) {
	if err := identityAndLogins(r, "GetOpenIdToken"); err != nil {
		return nil, err
	}
	logins := texts(r.tree["logins"])
	id, err := s.Flows.Link(r.ctx, r.pool, text(r.tree["identityId"]), logins)
	if err != nil {
		return nil, err
	}
	return linkAnswer{IdentityID: id, Logins: slices.Sorted(maps.Keys(logins))}, nil
}

// unlink is UnlinkIdentity.
func (s *Server) unlink(r call) (any, error) {
	if err := identityAndLogins(r, "UnlinkIdentity", "loginsToRemove"); err != nil {
		return nil, err
	}
	r.ask.Pool = r.pool
	_, err := awswire.Invoke(r.ctx, s.Flows, "UnlinkIdentity", members(map[string]any{
		"IdentityId": r.tree["identityId"], "Logins": r.tree["logins"], "LoginsToRemove": r.tree["loginsToRemove"],
	}))
	return nil, err
}

// identityAndLogins checks the body of a route about one identity of the pool,
// against the operation behind it.
func identityAndLogins(r call, operation string, more ...string) error {
	if err := only(r.tree, append([]string{"identityId", "logins"}, more...)...); err != nil {
		return err
	}
	if err := cognito.Validate("DescribeIdentityPool", map[string]any{"IdentityPoolId": r.pool}); err != nil {
		return err
	}
	return cognito.Validate(operation, members(map[string]any{
		"IdentityId": r.tree["identityId"], "Logins": r.tree["logins"], "LoginsToRemove": r.tree["loginsToRemove"],
	}))
}
