package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// Every change of a pool that its users could notice ends what is cached for
// them; equal content and labels end nothing.
func TestOnlyChangesInEffectEndTheCache(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	api, ctx := b.sdkAs(admin()), t.Context()
	pool := aws.String(demoPool)
	whole, err := api.DescribeIdentityPool(ctx, &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: pool})
	if err != nil {
		t.Fatal(err)
	}
	update := func(change func(in *cognitoidentity.UpdateIdentityPoolInput)) error {
		in := &cognitoidentity.UpdateIdentityPoolInput{
			IdentityPoolId: pool, IdentityPoolName: whole.IdentityPoolName, AllowClassicFlow: whole.AllowClassicFlow,
			AllowUnauthenticatedIdentities: whole.AllowUnauthenticatedIdentities, DeveloperProviderName: whole.DeveloperProviderName,
			OpenIdConnectProviderARNs: whole.OpenIdConnectProviderARNs,
		}
		change(in)
		_, err := api.UpdateIdentityPool(ctx, in)
		return err
	}
	roles := func(unauthenticated string) error {
		_, err := api.SetIdentityPoolRoles(ctx, &cognitoidentity.SetIdentityPoolRolesInput{
			IdentityPoolId: pool, Roles: map[string]string{"authenticated": authRole, "unauthenticated": unauthenticated},
		})
		return err
	}
	tags := func(claim string) error {
		_, err := api.SetPrincipalTagAttributeMap(ctx, &cognitoidentity.SetPrincipalTagAttributeMapInput{
			IdentityPoolId: pool, IdentityProviderName: aws.String(whole.OpenIdConnectProviderARNs[0]), PrincipalTags: map[string]string{"t": claim},
		})
		return err
	}
	id, err := b.getID(ctx, demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() string {
		return b.rest(t, demoPool, "credentials", map[string]any{"identityId": id}).header.Get("X-Cache")
	}
	ask()
	for _, c := range []struct {
		what   string
		change func() error
		want   string
	}{
		{"the same roles", func() error { return roles(unauthRole) }, "hit"},
		{"the same pool", func() error { return update(func(*cognitoidentity.UpdateIdentityPoolInput) {}) }, "hit"},
		{"another name and a tag", func() error {
			return update(func(in *cognitoidentity.UpdateIdentityPoolInput) {
				in.IdentityPoolName, in.IdentityPoolTags = aws.String("other"), map[string]string{"a": "b"}
			})
		}, "hit"},
		{"tags of the resource", func() error {
			_, err := api.TagResource(ctx, &cognitoidentity.TagResourceInput{
				ResourceArn: aws.String("arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + demoPool), Tags: map[string]string{"c": "d"},
			})
			return err
		}, "hit"},
		{"another role", func() error { return roles(authRole) }, "miss"},
		{"the classic flow off", func() error {
			return update(func(in *cognitoidentity.UpdateIdentityPoolInput) { in.AllowClassicFlow = aws.Bool(false) })
		}, "miss"},
		{"principal tags", func() error { return tags("a") }, "miss"},
		{"the same principal tags", func() error { return tags("a") }, "hit"},
		{"other principal tags", func() error { return tags("b") }, "miss"},
	} {
		if err := c.change(); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if got := ask(); got != c.want {
			t.Errorf("%s: got X-Cache %q, want %q", c.what, got, c.want)
		}
	}
}
