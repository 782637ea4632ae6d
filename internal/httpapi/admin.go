package httpapi

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

// pathPlace refuses callers of some pools an identity of the path that is not known to
// be of the path's pool.
func (s *Server) pathPlace(r call) error { return s.place(r, r.identity) }

// describePool fails as the service does where the path's pool does not exist.
func (s *Server) describePool(r call) error {
	in := &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: &r.pool}
	_, err := invoke(s, r, "DescribeIdentityPool", cognito.API.DescribeIdentityPool, in)
	return err
}

// deleteIdentities is DeleteIdentities of a pool that exists. For callers of some
// pools each identity has to be known as one of theirs.
func (s *Server) deleteIdentities(
	r call, in *cognitoidentity.DeleteIdentitiesInput,
) (*cognitoidentity.DeleteIdentitiesOutput, error) {
	const operation = "DeleteIdentities"
	if err := awswire.AuthorizeIdentities(r.ctx, r.who, s.PoolOf, operation, in.IdentityIdsToDelete); err != nil {
		return nil, err
	}
	if err := s.describePool(r); err != nil {
		return nil, err
	}
	return invoke(s, r, operation, cognito.API.DeleteIdentities, in)
}

// deleteIdentity is DeleteIdentities of one identity, which has to exist.
func (s *Server) deleteIdentity(
	r call, in *cognitoidentity.DescribeIdentityInput,
) (*cognitoidentity.DeleteIdentitiesOutput, error) {
	if _, err := invoke(s, r, "DescribeIdentity", cognito.API.DescribeIdentity, in); err != nil {
		return nil, err
	}
	out, err := invoke(s, r, "DeleteIdentities", cognito.API.DeleteIdentities,
		&cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: []string{r.identity}})
	if err != nil {
		return nil, err
	}
	return out, unprocessed(out)
}

// unprocessed is why one identity could not be deleted; nil where it was.
func unprocessed(out *cognitoidentity.DeleteIdentitiesOutput) error {
	if len(out.UnprocessedIdentityIds) == 0 {
		return nil
	}
	failed := out.UnprocessedIdentityIds[0]
	if failed.ErrorCode == types.ErrorCodeAccessDenied {
		return edgeError(cognito.CodeAccessDenied, "The identity "+aws.ToString(failed.IdentityId)+" may not be deleted.")
	}
	return cognito.Internal()
}

// purge ends what was cached for an identity.
func (s *Server) purge(r call, _ *none) (*none, error) {
	if err := s.place(r, r.identity); err != nil {
		return nil, err
	}
	return nil, s.Flows.Purge(r.ctx, r.pool, r.identity)
}
