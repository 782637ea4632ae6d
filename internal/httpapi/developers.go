package httpapi

import (
	"maps"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// developerToken is GetOpenIdTokenForDeveloperIdentity.
func (s *Server) developerToken(r call) (any, error) {
	request, err := developerRequest(r)
	if err != nil {
		return nil, err
	}
	t, err := s.Flows.DeveloperToken(r.ctx, request)
	if err != nil {
		return nil, err
	}
	return showToken(t), nil
}

// developerCredentials is the whole developer flow.
func (s *Server) developerCredentials(r call) (any, error) {
	request, err := developerRequest(r)
	if err != nil {
		return nil, err
	}
	g, err := s.Flows.DeveloperGrant(r.ctx, request)
	if err != nil {
		return nil, err
	}
	return showGrant(g), nil
}

// maxUser is the model's bound of a DeveloperUserIdentifier, in characters.
const maxUser = 1024

func developerRequest(r call) (flows.DeveloperRequest, error) {
	none := flows.DeveloperRequest{}
	if err := only(r.tree, "userIdentifier", "identityId", "logins", "tokenDuration", "principalTags"); err != nil {
		return none, err
	}
	user, ok := r.tree["userIdentifier"].(string)
	if !ok || user == "" || len([]rune(user)) > maxUser {
		return none, cognito.Validation("userIdentifier must be 1 to 1024 characters.")
	}
	// The provider's name is the pool's to tell; any stands in for it here.
	logins := map[string]any{"developer": user}
	if given, ok := r.tree["logins"].(map[string]any); ok {
		maps.Copy(logins, given)
	} else if r.tree["logins"] != nil {
		return none, cognito.Serialization("logins must be an object.")
	}
	err := cognito.Validate("GetOpenIdTokenForDeveloperIdentity", members(map[string]any{
		"IdentityPoolId": r.pool, "IdentityId": r.tree["identityId"], "Logins": logins,
		"TokenDuration": r.tree["tokenDuration"], "PrincipalTags": r.tree["principalTags"],
	}))
	if err != nil {
		return none, err
	}
	return flows.DeveloperRequest{
		Pool: r.pool, User: user, IdentityID: text(r.tree["identityId"]), Logins: texts(r.tree["logins"]),
		Tags: texts(r.tree["principalTags"]), Duration: seconds(r.tree["tokenDuration"]),
	}, nil
}

// developerMerge is MergeDeveloperIdentities.
func (s *Server) developerMerge(r call) (any, error) {
	if err := only(r.tree, "sourceUserIdentifier", "destinationUserIdentifier"); err != nil {
		return nil, err
	}
	tree, err := s.inputOf(r, reflect.TypeFor[cognitoidentity.MergeDeveloperIdentitiesInput]())
	if err != nil {
		return nil, err
	}
	out, err := s.ofDeveloper(r, tree)
	if err != nil {
		return nil, err
	}
	return show(out), nil
}

// developerUnlink is UnlinkDeveloperIdentity.
func (s *Server) developerUnlink(r call) (any, error) {
	if err := only(r.tree, "identityId", "userIdentifier"); err != nil {
		return nil, err
	}
	tree, err := s.inputOf(r, reflect.TypeFor[cognitoidentity.UnlinkDeveloperIdentityInput]())
	if err != nil {
		return nil, err
	}
	_, err = s.ofDeveloper(r, tree)
	return nil, err
}

// ofDeveloper calls the route's operation with the pool's developer provider,
// which is the pool's to tell. The rest is checked before the pool is asked: any
// provider stands in for it there.
func (s *Server) ofDeveloper(r call, tree map[string]any) (out any, err error) {
	tree["DeveloperProviderName"] = "developer"
	if err = cognito.Validate(r.operation, tree); err != nil {
		return nil, err
	}
	if tree["DeveloperProviderName"], err = s.Flows.DeveloperProvider(r.ctx, r.pool); err != nil {
		return nil, err
	}
	return s.invoke(r, r.operation, tree)
}

type keyAnswer struct {
	KeyID string `json:"keyId"`
}

// rotate makes a new signing key of the issuer.
func (s *Server) rotate(r call) (any, error) {
	if err := only(r.tree); err != nil {
		return nil, err
	}
	kid, err := s.Issuer.Rotate(r.ctx)
	if err != nil {
		return nil, err
	}
	return keyAnswer{KeyID: kid}, nil
}
