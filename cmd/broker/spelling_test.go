package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// A user pool that a pool names by the ARN of its newer spelling, made through the API, lets nobody in
// whom its app clients do not: the login provider is none of plain OpenID, and lists no clients.
func TestUserPoolsByARN(t *testing.T) {
	t.Parallel()
	b := startKinds(t)
	b.says.Store(`{"__type":"UserNotFoundException"}`)
	checked := []types.CognitoIdentityProvider{{
		ProviderName: aws.String(someUserPool), ClientId: aws.String("checked"), ServerSideTokenCheck: aws.Bool(true),
	}}
	for name, listed := range map[string][]types.CognitoIdentityProvider{"the ARN alone": nil, "app clients too": checked} {
		out, err := b.sdkAs(admin()).CreateIdentityPool(t.Context(), &cognitoidentity.CreateIdentityPoolInput{
			IdentityPoolName: aws.String("x"), CognitoIdentityProviders: listed,
			OpenIdConnectProviderARNs: []string{"arn:aws:iam::000000000000:oidc-provider/issuer-" + someUserPool},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.sdkAs(admin()).SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
			IdentityPoolId: out.IdentityPoolId, Roles: map[string]string{"authenticated": authRole},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, client := range []string{"checked", "stranger"} {
			for _, key := range []string{someUserPool, "issuer-" + someUserPool} {
				tokens := map[string]string{key: b.jwt("alice", client, nil)}
				if a := b.rest(t, *out.IdentityPoolId, "credentials", map[string]any{"logins": tokens}); a.status != 403 {
					t.Errorf("%s, %s for %s: got %d, want 403", name, key, client, a.status)
				}
			}
		}
	}
}

// As a plain OpenID provider a user pool is one login provider too, by whichever spelling: what a role
// rests on counts at each answer, and so does a sign-out.
func TestUserPoolsAsOpenIDProviders(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	for _, name := range []string{someUserPool, "issuer-" + someUserPool} {
		i := prepare(t, nil, fmt.Sprintf(`  - id: '%s'
    name: every
    roles: {authenticated: 'arn:aws:iam::000000000000:role/every'}
    open_id_connect_provider_arns: ['arn:aws:iam::000000000000:oidc-provider/%s']
    role_mappings:
      'arn:aws:iam::000000000000:oidc-provider/%s':
        type: Rules
        ambiguous_role_resolution: Deny
        rules_configuration:
          rules: [{claim: plan, match_type: Equals, value: paid, role_arn: 'arn:aws:iam::000000000000:role/paid'}]
login_providers:
  - {provider: %s, kind: oidc, issuer: 'https://%s', client_ids: [app], jwks_uri: '%s/keys'}
`, everyKind, name, name, name, name, idp.URL))
		i.start(t)
		now := time.Now()
		ask := func(plan string, ago time.Duration, want int) {
			t.Helper()
			token := idp.Token(idptest.Claims{
				"sub": "alice", "aud": "app", "iss": "https://" + name, "plan": plan, "auth_time": now.Add(-ago).Unix(),
			})
			a := i.rest(t, everyKind, "credentials", map[string]any{"logins": map[string]string{name: token}})
			if a.status != want {
				t.Errorf("%s, %s %v ago: got %d, want %d", name, plan, ago, a.status, want)
			}
		}
		ask("paid", time.Hour, 200)
		ask("none", time.Hour, 403)
		tell, err := json.Marshal(map[string]string{
			"provider": name, "subject": "alice", "notBefore": now.Add(-time.Minute).Format(time.RFC3339),
		})
		if err != nil {
			t.Fatal(err)
		}
		r := restAdmin{t, i}
		r.call(post, "/v1/pools/"+everyKind+"/logins/invalidate", string(tell), 204)
		ask("paid", time.Hour, 403)
		ask("paid", 0, 200)
		ask("paid", 2*time.Minute, 403)
	}
}

// Whoever has a user's name by now is not him: the tokens of one who was removed stay dead.
func TestNamesThatAreTakenAgain(t *testing.T) {
	t.Parallel()
	b := startKinds(t)
	token := b.jwt("old-alice", "checked", idptest.Claims{"cognito:username": "alice"})
	b.says.Store(userIs("new-alice"))
	if a := b.grant(t, someUserPool, token); a.status != 403 {
		t.Errorf("got %d, want 403", a.status)
	}
}
