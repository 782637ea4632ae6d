package httpapi

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

type identityInput struct {
	Logins map[string]string `json:"logins"`
}

func (*identityInput) constraints(pool string, given map[string]any) []constraint {
	return []constraint{{"GetId", map[string]any{"IdentityPoolId": pool, "Logins": given["logins"]}}}
}

type identityAnswer struct {
	IdentityID string `json:"identityId"`
}

// identity is GetId.
func (h *handlers) identity(r call, in *identityInput) (*identityAnswer, error) {
	out, err := awswire.Call(r.ctx, h.Flows, "GetId", cognito.API.GetId, &cognitoidentity.GetIdInput{
		IdentityPoolId: &r.pool, Logins: in.Logins,
	})
	if err != nil {
		return nil, err
	}
	return &identityAnswer{IdentityID: aws.ToString(out.IdentityId)}, nil
}

// identityAndLogins are the members of a route about one identity of the pool.
type identityAndLogins struct {
	IdentityID string            `json:"identityId"`
	Logins     map[string]string `json:"logins"`
}

func (*identityAndLogins) constraints(pool string, given map[string]any) []constraint {
	return aboutIdentity(pool, "GetOpenIdToken", given)
}

// aboutIdentity are the constraints of the pool that the path names, and then those of an
// operation on one identity.
func aboutIdentity(pool, operation string, given map[string]any) []constraint {
	return []constraint{
		{"DescribeIdentityPool", map[string]any{"IdentityPoolId": pool}},
		{operation, map[string]any{
			"IdentityId": given["identityId"], "Logins": given["logins"], "LoginsToRemove": given["loginsToRemove"],
		}},
	}
}

type tokenAnswer struct {
	IdentityID string    `json:"identityId"`
	Token      string    `json:"token"`
	Expiration time.Time `json:"expiration"`
}

func answerToken(t *flows.TokenGrant) *tokenAnswer {
	return &tokenAnswer{IdentityID: t.IdentityID, Token: t.Token, Expiration: t.Expires.UTC()}
}

// token is GetOpenIdToken.
func (h *handlers) token(r call, in *identityAndLogins) (*tokenAnswer, error) {
	t, err := h.Flows.Token(r.ctx, r.pool, in.IdentityID, in.Logins)
	if err != nil {
		return nil, err
	}
	return answerToken(t), nil
}

type linkAnswer struct {
	IdentityID string   `json:"identityId"`
	Logins     []string `json:"logins"`
}

// link links the call's logins to an identity and names them.
func (h *handlers) link(r call, in *identityAndLogins) (*linkAnswer, error) {
	id, err := h.Flows.Link(r.ctx, r.pool, in.IdentityID, in.Logins)
	if err != nil {
		return nil, err
	}
	return &linkAnswer{IdentityID: id, Logins: slices.Sorted(maps.Keys(in.Logins))}, nil
}

type unlinkInput struct {
	IdentityID     string            `json:"identityId"`
	Logins         map[string]string `json:"logins"`
	LoginsToRemove []string          `json:"loginsToRemove"`
}

func (*unlinkInput) constraints(pool string, given map[string]any) []constraint {
	return aboutIdentity(pool, "UnlinkIdentity", given)
}

// unlink is UnlinkIdentity.
func (h *handlers) unlink(r call, in *unlinkInput) (*none, error) {
	_, err := invoke(h, r, "UnlinkIdentity", cognito.API.UnlinkIdentity, &cognitoidentity.UnlinkIdentityInput{
		IdentityId: &in.IdentityID, Logins: in.Logins, LoginsToRemove: in.LoginsToRemove,
	})
	return nil, err
}
