package cognito

// inputs holds the model's constraints (docs/cognito.md#shapes and #inputs-and-errors) of
// every operation that is served. It is built once and never changed; an operation is added
// by naming its members.
//
// The service reports a broken login before a broken identity id. Nothing else
// is known of its order, so each list begins with its maps and goes on as the
// model does.
var inputs = newInputs()

// Shapes that several operations share. Identity ids and pool ids look alike;
// they are told apart by lookup.
var (
	poolID        = &shape{kind: kindString, min: 1, max: 55, pattern: whole(`[\w-]+:[0-9a-f-]+`)}
	identityID    = poolID
	poolName      = &shape{kind: kindString, min: 1, max: 128, pattern: whole(`[\w\s+=,.@-]+`)}
	accountID     = &shape{kind: kindString, min: 1, max: 15, pattern: whole(`\d+`)}
	arn           = &shape{kind: kindString, min: 20, max: 2048}
	flag          = &shape{kind: kindBoolean}
	queryLimit    = &shape{kind: kindInteger, min: 1, max: 60}
	pageToken     = &shape{kind: kindString, min: 1, max: 65535, pattern: whole(`[\S]+`)}
	provider      = &shape{kind: kindString, min: 1, max: 128}
	developerName = &shape{kind: kindString, min: 1, max: 128, pattern: whole(`[\w._-]+`)}
	logins        = &shape{kind: kindMap, max: 10, key: provider,
		value: &shape{kind: kindString, min: 1, max: 50000, sensitive: true}}
	loginNames    = &shape{kind: kindList, element: provider}
	developerUser = &shape{kind: kindString, min: 1, max: 1024}
	tagKey        = &shape{kind: kindString, min: 1, max: 128}
	poolTags      = &shape{kind: kindMap, key: tagKey, value: &shape{kind: kindString, max: 256}}
	principalTags = &shape{kind: kindMap, max: 50, key: &shape{kind: kindString, min: 1, max: 128},
		value: &shape{kind: kindString, min: 1, max: 256}}
)

func newInputs() map[string]*shape {
	var (
		guests  = required("AllowUnauthenticatedIdentities", flag)
		name    = required("IdentityPoolName", poolName)
		setting = poolSettings()
	)
	return map[string]*shape{
		"DeleteIdentities": input(
			required("IdentityIdsToDelete", &shape{kind: kindList, min: 1, max: 60, element: identityID}),
		),
		"ListIdentities": input(
			required("IdentityPoolId", poolID), required("MaxResults", queryLimit), optional("NextToken", pageToken),
			optional("HideDisabled", flag),
		),
		"ListTagsForResource": input(required("ResourceArn", arn)),
		"TagResource":         input(required("Tags", poolTags), required("ResourceArn", arn)),
		"UntagResource": input(
			required("TagKeys", &shape{kind: kindList, element: tagKey}), required("ResourceArn", arn),
		),
		"CreateIdentityPool":   input(append(setting, name, guests)...),
		"DeleteIdentityPool":   input(required("IdentityPoolId", poolID)),
		"DescribeIdentity":     input(required("IdentityId", identityID)),
		"DescribeIdentityPool": input(required("IdentityPoolId", poolID)),
		"GetIdentityPoolRoles": input(required("IdentityPoolId", poolID)),
		"ListIdentityPools": input(
			required("MaxResults", queryLimit), optional("NextToken", pageToken),
		),
		"UpdateIdentityPool": input(
			append(poolSettings(), required("IdentityPoolId", poolID), name, guests)...,
		),
		"SetIdentityPoolRoles": input(
			required("Roles", roles()), optional("RoleMappings", roleMappings()), required("IdentityPoolId", poolID),
		),
		"UnlinkIdentity": input(
			required("Logins", logins), required("LoginsToRemove", loginNames), required("IdentityId", identityID),
		),
		"GetOpenIdToken": input(
			optional("Logins", logins), required("IdentityId", identityID),
		),
		"GetId": input(
			optional("Logins", logins), optional("AccountId", accountID), required("IdentityPoolId", poolID),
		),
		"GetCredentialsForIdentity": input(
			optional("Logins", logins), required("IdentityId", identityID), optional("CustomRoleArn", arn),
		),
		"GetOpenIdTokenForDeveloperIdentity": input(
			required("Logins", logins), optional("PrincipalTags", principalTags),
			required("IdentityPoolId", poolID), optional("IdentityId", identityID),
			optional("TokenDuration", &shape{kind: kindLong, min: 1, max: 86400}),
		),
		"LookupDeveloperIdentity": input(
			required("IdentityPoolId", poolID), optional("IdentityId", identityID),
			optional("DeveloperUserIdentifier", developerUser),
			optional("MaxResults", queryLimit), optional("NextToken", pageToken),
		),
		"MergeDeveloperIdentities": input(
			required("SourceUserIdentifier", developerUser), required("DestinationUserIdentifier", developerUser),
			required("DeveloperProviderName", developerName), required("IdentityPoolId", poolID),
		),
		"UnlinkDeveloperIdentity": input(
			required("IdentityId", identityID), required("IdentityPoolId", poolID),
			required("DeveloperProviderName", developerName), required("DeveloperUserIdentifier", developerUser),
		),
		"GetPrincipalTagAttributeMap": input(
			required("IdentityPoolId", poolID), required("IdentityProviderName", provider),
		),
		"SetPrincipalTagAttributeMap": input(
			optional("PrincipalTags", principalTags), required("IdentityPoolId", poolID),
			required("IdentityProviderName", provider), optional("UseDefaults", flag),
		),
	}
}

// poolSettings are the optional members of an identity pool.
func poolSettings() []member {
	userPool := &shape{kind: kindStructure, members: []member{
		optional("ProviderName", &shape{kind: kindString, min: 1, max: 128, pattern: whole(`[\w._:/-]+`)}),
		optional("ClientId", &shape{kind: kindString, min: 1, max: 128, pattern: whole(`[\w_]+`)}),
		optional("ServerSideTokenCheck", flag),
	}}
	// Twitter's holds a secret
	clientID := &shape{kind: kindString, min: 1, max: 128, pattern: whole(`[\w.;_/-]+`), sensitive: true}
	return []member{
		optional("SupportedLoginProviders", &shape{kind: kindMap, max: 10, key: provider, value: clientID}),
		optional("IdentityPoolTags", poolTags),
		optional("AllowClassicFlow", flag),
		optional("DeveloperProviderName", developerName),
		optional("OpenIdConnectProviderARNs", &shape{kind: kindList, element: arn}),
		optional("CognitoIdentityProviders", &shape{kind: kindList, element: userPool}),
		optional("SamlProviderARNs", &shape{kind: kindList, element: arn}),
	}
}

func roles() *shape {
	return &shape{kind: kindMap, max: 2, value: arn,
		key: &shape{kind: kindString, min: 1, max: 128, pattern: whole(`(un)?authenticated`)}}
}

func roleMappings() *shape {
	rule := &shape{kind: kindStructure, members: []member{
		required("Claim", &shape{kind: kindString, min: 1, max: 64, pattern: whole(`[\p{L}\p{M}\p{S}\p{N}\p{P}]+`)}),
		required("MatchType", &shape{kind: kindString, enum: []string{"Equals", "Contains", "StartsWith", "NotEqual"}}),
		required("Value", &shape{kind: kindString, min: 1, max: 128}),
		required("RoleARN", arn),
	}}
	mapping := &shape{kind: kindStructure, members: []member{
		required("Type", &shape{kind: kindString, enum: []string{"Token", "Rules"}}),
		optional("AmbiguousRoleResolution", &shape{kind: kindString, enum: []string{"AuthenticatedRole", "Deny"}}),
		optional("RulesConfiguration", &shape{kind: kindStructure, members: []member{
			required("Rules", &shape{kind: kindList, min: 1, max: 400, element: rule}),
		}}),
	}}
	return &shape{kind: kindMap, max: 10, key: provider, value: mapping}
}

func input(members ...member) *shape { return &shape{kind: kindStructure, members: members} }

func required(name string, s *shape) member { return member{name: name, shape: s, required: true} }

func optional(name string, s *shape) member { return member{name: name, shape: s} }
