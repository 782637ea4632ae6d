package upstream

import (
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
)

// complete reports whether an output has the members that its readers rely on.
// An output that is not listed is not complete: a new operation has to say what
// it cannot do without.
func complete(out any) bool {
	switch o := out.(type) {
	case *cognitoidentity.GetIdOutput:
		return given(o.IdentityId)
	case *cognitoidentity.GetCredentialsForIdentityOutput:
		return given(o.IdentityId) && usable(o.Credentials)
	case *cognitoidentity.GetOpenIdTokenOutput:
		return given(o.IdentityId, o.Token)
	case *cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput:
		return given(o.IdentityId, o.Token)
	case *cognitoidentity.DescribeIdentityOutput:
		return given(o.IdentityId)
	case *cognitoidentity.CreateIdentityPoolOutput:
		return given(o.IdentityPoolId, o.IdentityPoolName)
	case *cognitoidentity.DescribeIdentityPoolOutput:
		return given(o.IdentityPoolId, o.IdentityPoolName)
	case *cognitoidentity.UpdateIdentityPoolOutput:
		return given(o.IdentityPoolId, o.IdentityPoolName)
	case *cognitoidentity.ListIdentityPoolsOutput:
		return o.IdentityPools != nil // none is an empty list
	case *cognitoidentity.GetIdentityPoolRolesOutput:
		return given(o.IdentityPoolId)
	case *cognitoidentity.ListIdentitiesOutput:
		return given(o.IdentityPoolId)
	case *cognitoidentity.LookupDeveloperIdentityOutput:
		return given(o.IdentityId)
	case *cognitoidentity.MergeDeveloperIdentitiesOutput:
		return given(o.IdentityId)
	case *cognitoidentity.SetPrincipalTagAttributeMapOutput:
		return given(o.IdentityPoolId, o.IdentityProviderName)
	case *cognitoidentity.GetPrincipalTagAttributeMapOutput:
		return given(o.IdentityPoolId, o.IdentityProviderName)
	case *cognitoidentity.DeleteIdentitiesOutput, *cognitoidentity.ListTagsForResourceOutput:
		return true // nothing refused, and no tags, may be left out
	case *cognitoidentity.TagResourceOutput, *cognitoidentity.UntagResourceOutput,
		*cognitoidentity.UnlinkDeveloperIdentityOutput,
		*cognitoidentity.UnlinkIdentityOutput, *cognitoidentity.DeleteIdentityPoolOutput,
		*cognitoidentity.SetIdentityPoolRolesOutput:
		return true // they have no members
	}
	return false
}

func given(members ...*string) bool {
	for _, m := range members {
		if m == nil || *m == "" {
			return false
		}
	}
	return true
}

func usable(c *types.Credentials) bool {
	return c != nil && given(c.AccessKeyId, c.SecretKey, c.SessionToken) && c.Expiration != nil
}
