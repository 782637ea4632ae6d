package awswire

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A member that is null is absent; one that is empty is there. An update of a pool
// tells the two apart.
func TestPresence(t *testing.T) {
	for name, c := range map[string]struct {
		tree map[string]any
		want cognitoidentity.UpdateIdentityPoolInput
	}{
		"absent": {map[string]any{}, cognitoidentity.UpdateIdentityPoolInput{}},
		"null": {map[string]any{
			"IdentityPoolTags": nil, "SupportedLoginProviders": nil, "OpenIdConnectProviderARNs": nil, "CognitoIdentityProviders": nil,
			"SamlProviderARNs": nil, "AllowClassicFlow": nil, "DeveloperProviderName": nil,
		}, cognitoidentity.UpdateIdentityPoolInput{}},
		"empty": {map[string]any{"IdentityPoolTags": map[string]any{}, "SamlProviderARNs": []any{}}, cognitoidentity.UpdateIdentityPoolInput{
			IdentityPoolTags: map[string]string{}, SamlProviderARNs: []string{},
		}},
	} {
		var got cognitoidentity.UpdateIdentityPoolInput
		if err := decode(&got, c.tree); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
