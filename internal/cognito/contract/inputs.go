package contract

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// call calls an operation by its name.
func (s *scene) call(api cognito.API, operation string, in any) (out any, err error) {
	s.Helper()
	got := reflect.ValueOf(api).MethodByName(operation).Call([]reflect.Value{reflect.ValueOf(s.Context()),
		reflect.ValueOf(in)})
	if err, _ = got[1].Interface().(error); err != nil {
		s.silent(operation, err, in)
		return nil, err
	}
	if made, ok := got[0].Interface().(*cognitoidentity.CreateIdentityPoolOutput); ok {
		_, _ = api.DeleteIdentityPool(context.WithoutCancel(s.Context()),
			&cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: made.IdentityPoolId})
	}
	return got[0].Interface(), nil
}

// scratch is a pool like Open for calls that change it.
func scratch(s *scene) string {
	s.Helper()
	return s.pool(func(in *createInput) { in.DeveloperProviderName = aws.String(DeveloperProvider) })
}

// inputs make a good input of each operation, for a pool like Open and an
// identity. Each has an entry in every map and list that it takes; two of an
// operation have different logins.
func (s *scene) inputs(pool, identity string) map[string]func() any {
	login := func() map[string]string { return s.login(s.someone()) }
	provider, developer, arn := s.providerARN(0), aws.String(DeveloperProvider), poolARN(s, pool)
	tags := map[string]string{"a": "sub"}
	return map[string]func() any{
		"CreateIdentityPool": func() any { return createOf(full(s)) },
		"UpdateIdentityPool": func() any {
			whole := full(s)
			whole.IdentityPoolId = &pool
			return updateOf(whole)
		},
		"DeleteIdentityPool":   func() any { return &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: &pool} },
		"DescribeIdentityPool": func() any { return &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: &pool} },
		"ListIdentityPools":    func() any { return &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)} },
		"SetIdentityPoolRoles": func() any {
			return &rolesInput{IdentityPoolId: &pool, Roles: usualRoles(s), RoleMappings: ruled(s, provider, unchanged)}
		},
		"GetIdentityPoolRoles": func() any { return &cognitoidentity.GetIdentityPoolRolesInput{IdentityPoolId: &pool} },
		"SetPrincipalTagAttributeMap": func() any {
			return &cognitoidentity.SetPrincipalTagAttributeMapInput{IdentityPoolId: &pool, IdentityProviderName: &provider,
				PrincipalTags: tags}
		},
		"GetPrincipalTagAttributeMap": func() any {
			return &cognitoidentity.GetPrincipalTagAttributeMapInput{IdentityPoolId: &pool, IdentityProviderName: &provider}
		},
		"TagResource": func() any { return &cognitoidentity.TagResourceInput{ResourceArn: &arn, Tags: tags} },
		"UntagResource": func() any {
			return &cognitoidentity.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}}
		},
		"ListTagsForResource": func() any { return &cognitoidentity.ListTagsForResourceInput{ResourceArn: &arn} },
		"ListIdentities": func() any {
			return &cognitoidentity.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: aws.Int32(1)}
		},
		"DescribeIdentity": func() any { return &cognitoidentity.DescribeIdentityInput{IdentityId: &identity} },
		"DeleteIdentities": func() any {
			return &cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: []string{identity}}
		},
		"GetId": func() any { return &cognitoidentity.GetIdInput{IdentityPoolId: &pool, Logins: login()} },
		"GetOpenIdToken": func() any {
			return &cognitoidentity.GetOpenIdTokenInput{IdentityId: &identity, Logins: login()}
		},
		"GetCredentialsForIdentity": func() any {
			return &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: &identity, Logins: login()}
		},
		"UnlinkIdentity": func() any {
			return &cognitoidentity.UnlinkIdentityInput{IdentityId: &identity, Logins: login(),
				LoginsToRemove: []string{s.Providers[0].Name()}}
		},
		"GetOpenIdTokenForDeveloperIdentity": func() any {
			return &developerInput{IdentityPoolId: &pool, Logins: user(s.someone()), PrincipalTags: tags}
		},
		"LookupDeveloperIdentity": func() any {
			return &lookupInput{IdentityPoolId: &pool, DeveloperUserIdentifier: aws.String(s.someone())}
		},
		"MergeDeveloperIdentities": func() any {
			return &cognitoidentity.MergeDeveloperIdentitiesInput{
				IdentityPoolId: &pool, DeveloperProviderName: developer,
				SourceUserIdentifier: aws.String(s.someone()), DestinationUserIdentifier: aws.String(s.someone()),
			}
		},
		"UnlinkDeveloperIdentity": func() any {
			return &cognitoidentity.UnlinkDeveloperIdentityInput{
				IdentityPoolId: &pool, DeveloperProviderName: developer, IdentityId: &identity,
				DeveloperUserIdentifier: aws.String(s.someone()),
			}
		},
	}
}
