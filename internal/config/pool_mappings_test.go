package config_test

import "testing"

// A setting of an OpenID provider goes by the ARN that the pool names it by, and who writes its name is told.
func TestSettingsNamedByARN(t *testing.T) {
	const (
		listed  = "open_id_connect_provider_arns: ['" + oidcPrefix + "oidc.test'], "
		mapping = ": {type: Token, ambiguous_role_resolution: Deny}}"
		want    = "is no provider of the pool by that name; expected it named by ARN here: " + oidcPrefix + "oidc.test"
	)
	for _, key := range []string{"oidc.test", "https://oidc.test", "arn:aws:iam::999999999999:oidc-provider/oidc.test"} {
		_, err := load(t, development+allKinds+pool(listed+"role_mappings: {'"+key+"'"+mapping))
		wantError(t, err, "pools[0].role_mappings.\""+key+"\"", want)
		_, err = load(t, development+allKinds+pool(listed+"principal_tags: {'"+key+"': {use_defaults: true}}"))
		wantError(t, err, "pools[0].principal_tags.\""+key+"\"", want)
	}
	_, err := load(t, development+allKinds+pool(listed+"role_mappings: {accounts.google.com"+mapping))
	wantError(t, err, "pools[0].role_mappings.\"accounts.google.com\"", "is no provider of the pool; expected an ARN or a key")
	mustLoad(t, development+allKinds+pool(listed+"role_mappings: {'"+oidcPrefix+"oidc.test'"+mapping))
}
