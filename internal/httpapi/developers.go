package httpapi

import (
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// developerInput asks for an identity of a user of a backend.
type developerInput struct {
	UserIdentifier userIdentifier    `json:"userIdentifier"`
	IdentityID     string            `json:"identityId"`
	Logins         loginsObject      `json:"logins"`
	TokenDuration  seconds           `json:"tokenDuration"`
	PrincipalTags  map[string]string `json:"principalTags"`
}

// userIdentifier is a DeveloperUserIdentifier, which has to be there.
type userIdentifier string

func (u *userIdentifier) read(v any) error {
	const most = 1024 // characters, by the model
	text, ok := v.(string)
	if !ok || text == "" || len([]rune(text)) > most {
		return cognito.Validation("userIdentifier must be 1 to 1024 characters.")
	}
	*u = userIdentifier(text)
	return nil
}

// loginsObject are logins beside a developer's; the model checks their members.
type loginsObject map[string]string

func (l *loginsObject) read(v any) error {
	if v == nil {
		return nil
	}
	tree, ok := v.(map[string]any)
	if !ok {
		return cognito.Serialization("logins must be an object.")
	}
	*l = texts(tree)
	return nil
}

func (in *developerInput) constraints(pool string, given map[string]any) []constraint {
	logins := map[string]any{anyProvider: string(in.UserIdentifier)}
	if others, ok := given["logins"].(map[string]any); ok {
		maps.Copy(logins, others)
	}
	return []constraint{{"GetOpenIdTokenForDeveloperIdentity", map[string]any{
		"IdentityPoolId": pool, "IdentityId": given["identityId"], "Logins": logins,
		"TokenDuration": given["tokenDuration"], "PrincipalTags": given["principalTags"],
	}}}
}

func (in *developerInput) request(pool string) flows.DeveloperRequest {
	return flows.DeveloperRequest{
		Pool: pool, User: string(in.UserIdentifier), IdentityID: in.IdentityID, Logins: in.Logins,
		Tags: in.PrincipalTags, Duration: time.Duration(in.TokenDuration),
	}
}

// developerToken is GetOpenIdTokenForDeveloperIdentity.
func (h *handlers) developerToken(r call, in *developerInput) (*tokenAnswer, error) {
	t, err := h.Flows.DeveloperToken(r.ctx, in.request(r.pool))
	if err != nil {
		return nil, err
	}
	return answerToken(t), nil
}

// developerCredentials is the whole developer flow.
func (h *handlers) developerCredentials(r call, in *developerInput) (*grantAnswer, error) {
	g, err := h.Flows.DeveloperGrant(r.ctx, in.request(r.pool))
	if err != nil {
		return nil, err
	}
	return answerGrant(g), nil
}

// developerMerge is MergeDeveloperIdentities of the pool's developer provider.
func (h *handlers) developerMerge(
	r call, in *cognitoidentity.MergeDeveloperIdentitiesInput,
) (*cognitoidentity.MergeDeveloperIdentitiesOutput, error) {
	provider, err := h.Flows.DeveloperProvider(r.ctx, r.pool)
	if err != nil {
		return nil, err
	}
	in.DeveloperProviderName = &provider
	return invokeChecked(h, r, "MergeDeveloperIdentities", cognito.API.MergeDeveloperIdentities, in)
}

// developerUnlink is UnlinkDeveloperIdentity of the pool's developer provider.
func (h *handlers) developerUnlink(
	r call, in *cognitoidentity.UnlinkDeveloperIdentityInput,
) (*cognitoidentity.UnlinkDeveloperIdentityOutput, error) {
	provider, err := h.Flows.DeveloperProvider(r.ctx, r.pool)
	if err != nil {
		return nil, err
	}
	in.DeveloperProviderName = &provider
	return invokeChecked(h, r, "UnlinkDeveloperIdentity", cognito.API.UnlinkDeveloperIdentity, in)
}

type keyAnswer struct {
	KeyID string `json:"keyId"`
}

// rotate makes a new signing key of the issuer.
func (h *handlers) rotate(r call, _ *none) (*keyAnswer, error) {
	kid, err := h.Issuer.Rotate(r.ctx)
	if err != nil {
		return nil, err
	}
	return &keyAnswer{KeyID: kid}, nil
}
