package httpapi

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// admin is a route for administrators that is an operation of the service. Those
// that read or delete take a query in place of a body.
func admin(method, path, op, operation string, h handler) route {
	return route{
		method: method, path: path, op: op, operation: operation, handle: h, query: true,
		bodyless: method == fiber.MethodGet || method == fiber.MethodDelete,
	}
}

// poolRoutes are those of pools and of what belongs to one.
func (s *Server) poolRoutes() []route {
	const (
		get, post, put, remove = fiber.MethodGet, fiber.MethodPost, fiber.MethodPut, fiber.MethodDelete

		pools, roles, tags = "/v1/pools", poolPath + "/roles", poolPath + "/tags"
		principalTags      = poolPath + "/principal-tags/:provider"
	)
	return []route{
		admin(get, pools, "RestListPools", "ListIdentityPools", adapter[cognitoidentity.ListIdentityPoolsInput](s, withOutput("identityPools"))),
		admin(post, pools, "RestCreatePool", "CreateIdentityPool", adapter[cognitoidentity.CreateIdentityPoolInput](s, poolCreated)),
		admin(get, poolPath, "RestDescribePool", "DescribeIdentityPool", adapter[cognitoidentity.DescribeIdentityPoolInput](s, withOutput())),
		admin(put, poolPath, "RestUpdatePool", "UpdateIdentityPool", adapter[cognitoidentity.UpdateIdentityPoolInput](s, withOutput())),
		admin(remove, poolPath, "RestDeletePool", "DeleteIdentityPool", adapter[cognitoidentity.DeleteIdentityPoolInput](s, withoutOutput)),
		admin(get, roles, "RestGetRoles", "GetIdentityPoolRoles", adapter[cognitoidentity.GetIdentityPoolRolesInput](s, rolesShown)),
		admin(put, roles, "RestSetRoles", "SetIdentityPoolRoles", adapter[cognitoidentity.SetIdentityPoolRolesInput](s, withoutOutput)),
		admin(get, tags, "RestListTags", "ListTagsForResource", adapter[cognitoidentity.ListTagsForResourceInput](s, withOutput())),
		admin(post, tags, "RestTag", "TagResource", adapter[cognitoidentity.TagResourceInput](s, withoutOutput)),
		admin(remove, tags, "RestUntag", "UntagResource", adapter[cognitoidentity.UntagResourceInput](s, withoutOutput)),
		admin(get, principalTags, "RestGetPrincipalTags", "GetPrincipalTagAttributeMap", adapter[cognitoidentity.GetPrincipalTagAttributeMapInput](s, withOutput())),
		admin(put, principalTags, "RestSetPrincipalTags", "SetPrincipalTagAttributeMap", adapter[cognitoidentity.SetPrincipalTagAttributeMapInput](s, withOutput())),
	}
}

func poolCreated(_ call, out any) any {
	pool := show(out)
	return created{location: "/v1/pools/" + text(pool["identityPoolId"]), body: pool}
}

// rolesShown can be sent back: PUT asks for roles, although there may be none.
func rolesShown(_ call, out any) any {
	answer := show(out)
	if answer["roles"] == nil {
		answer["roles"] = map[string]any{}
	}
	return answer
}

// identityRoutes are those of a pool's identities.
func (s *Server) identityRoutes() []route {
	const identities = poolPath + "/identities"
	return []route{
		admin(fiber.MethodGet, identities, "RestListIdentities", "ListIdentities", adapter[cognitoidentity.ListIdentitiesInput](s, withOutput("identities"))),
		admin(fiber.MethodPost, identities+"/delete", "RestDeleteIdentities", "DeleteIdentities", s.deleteIdentities),
		admin(fiber.MethodGet, identities+"/:identity", "RestDescribeIdentity", "DescribeIdentity", s.describeIdentity),
		admin(fiber.MethodDelete, identities+"/:identity", "RestDeleteIdentity", "DeleteIdentities", s.deleteIdentity),
		{method: fiber.MethodPost, path: identities + "/:identity/purge", op: "RestPurge", scope: callers.Admin, bodyless: true, query: true, handle: s.purge},
	}
}

// describeIdentity is DescribeIdentity of an identity of the pool.
func (s *Server) describeIdentity(r call) (any, error) {
	out, err := s.described(r)
	if err != nil {
		return nil, err
	}
	return show(out, "logins"), nil
}

func (s *Server) described(r call) (any, error) {
	if err := s.place(r, r.identity); err != nil {
		return nil, err
	}
	r.operation = "DescribeIdentity"
	return invoke[cognitoidentity.DescribeIdentityInput](s, r)
}

// deleteIdentities is DeleteIdentities of a pool that exists. For callers of some
// pools each identity has to be known as one of theirs.
func (s *Server) deleteIdentities(r call) (any, error) {
	tree, err := s.inputOf(r, reflect.TypeFor[cognitoidentity.DeleteIdentitiesInput]())
	if err != nil {
		return nil, err
	}
	if err := cognito.Validate(r.operation, tree); err != nil {
		return nil, err
	}
	if err := awswire.Authorize(r.ctx, r.who, s.PoolOf, r.operation, tree); err != nil {
		return nil, err
	}
	if _, err := s.invoke(r, "DescribeIdentityPool", map[string]any{"IdentityPoolId": r.pool}); err != nil {
		return nil, err
	}
	out, err := s.invoke(r, r.operation, tree)
	if err != nil {
		return nil, err
	}
	return show(out, "unprocessedIdentityIds"), nil
}

// deleteIdentity is DeleteIdentities of one, which has to exist.
func (s *Server) deleteIdentity(r call) (any, error) {
	if _, err := s.described(r); err != nil {
		return nil, err
	}
	out, err := s.invoke(r, r.operation, map[string]any{"IdentityIdsToDelete": []any{r.identity}})
	if err != nil {
		return nil, err
	}
	return nil, unprocessed(out)
}

// unprocessed is why one identity could not be deleted; nil where it was.
func unprocessed(out any) error {
	got, ok := out.(*cognitoidentity.DeleteIdentitiesOutput)
	switch {
	case !ok:
		return cognito.Internal()
	case len(got.UnprocessedIdentityIds) == 0:
		return nil
	case got.UnprocessedIdentityIds[0].ErrorCode == types.ErrorCodeAccessDenied:
		return edgeError(cognito.CodeAccessDenied, "The identity "+aws.ToString(got.UnprocessedIdentityIds[0].IdentityId)+" may not be deleted.")
	}
	return cognito.Internal()
}

// purge ends what was cached for an identity.
func (s *Server) purge(r call) (any, error) {
	if _, err := s.inputOf(r, reflect.TypeFor[struct{}]()); err != nil { // neither body nor query
		return nil, err
	}
	if err := s.place(r, r.identity); err != nil {
		return nil, err
	}
	return nil, s.Flows.Purge(r.ctx, r.pool, r.identity)
}
