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
func (h *handlers) pathPlace(r call) error { return h.place(r, r.identity) }

// describePool fails as the service does where the path's pool does not exist.
func (h *handlers) describePool(r call) error {
	in := &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: &r.pool}
	_, err := invoke(h, r, "DescribeIdentityPool", cognito.API.DescribeIdentityPool, in)
	return err
}

// deleteIdentities is DeleteIdentities of a pool that exists. For callers of some
// pools each identity has to be known as one of theirs.
func (h *handlers) deleteIdentities(
	r call, in *cognitoidentity.DeleteIdentitiesInput,
) (*cognitoidentity.DeleteIdentitiesOutput, error) {
	const operation = "DeleteIdentities"
	if err := awswire.AuthorizeIdentities(r.ctx, r.who, h.PoolOf, operation, in.IdentityIdsToDelete); err != nil {
		return nil, err
	}
	if err := h.describePool(r); err != nil {
		return nil, err
	}
	return invoke(h, r, operation, cognito.API.DeleteIdentities, in)
}

// deleteIdentity is DeleteIdentities of one identity, which has to exist.
func (h *handlers) deleteIdentity(
	r call, in *cognitoidentity.DescribeIdentityInput,
) (*cognitoidentity.DeleteIdentitiesOutput, error) {
	if _, err := invoke(h, r, "DescribeIdentity", cognito.API.DescribeIdentity, in); err != nil {
		return nil, err
	}
	out, err := invoke(h, r, "DeleteIdentities", cognito.API.DeleteIdentities,
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
func (h *handlers) purge(r call, _ *none) (*none, error) {
	if err := h.place(r, r.identity); err != nil {
		return nil, err
	}
	return nil, h.Flows.Purge(r.ctx, r.pool, r.identity)
}
