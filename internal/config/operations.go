package config

// Operations returns the names of Cognito's operations on identity pools, sorted,
// as they stand in X-Amz-Target: the keys that cognito.limits may have.
func Operations() []string {
	return []string{
		"CreateIdentityPool",
		"DeleteIdentities",
		"DeleteIdentityPool",
		"DescribeIdentity",
		"DescribeIdentityPool",
		"GetCredentialsForIdentity",
		"GetId",
		"GetIdentityPoolRoles",
		"GetOpenIdToken",
		"GetOpenIdTokenForDeveloperIdentity",
		"GetPrincipalTagAttributeMap",
		"ListIdentities",
		"ListIdentityPools",
		"ListTagsForResource",
		"LookupDeveloperIdentity",
		"MergeDeveloperIdentities",
		"SetIdentityPoolRoles",
		"SetPrincipalTagAttributeMap",
		"TagResource",
		"UnlinkDeveloperIdentity",
		"UnlinkIdentity",
		"UntagResource",
		"UpdateIdentityPool",
	}
}
