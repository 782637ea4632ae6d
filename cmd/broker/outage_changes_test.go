package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
)

// alteration is a call that needs a fence, and what it would change as upstream tells
// it.
type alteration struct {
	question
	state func() string
}

// changes are all kinds of calls that need a fence.
func (o *outage) changes() []alteration {
	u, guest := o.people[0], o.guests[0]
	both := maps.Clone(u.login)
	maps.Copy(both, u.second)
	stranger := o.engine.login(o.T, "a stranger")
	user, guestState, pool := o.described(u.id), o.described(guest.id), o.roles
	admin, caller := o.any().sdkAs(admin()), bearer(backendAPIKey)
	return []alteration{
		{o.any().onREST("link", "logins/link", map[string]any{"identityId": u.id, "logins": both}), user},
		{o.any().onREST("unlink", "logins/unlink", map[string]any{"identityId": u.id, "logins": u.login, "loginsToRemove": []string{o.engine.provider()}}), user},
		{o.any().onWire("unlink", "UnlinkIdentity", map[string]any{"IdentityId": u.id, "Logins": u.login, "LoginsToRemove": []string{o.engine.provider()}}), user},
		{o.any().onWire("two logins", "GetCredentialsForIdentity", map[string]any{"IdentityId": u.id, "Logins": both}), user},
		{o.any().onWire("two logins", "GetId", map[string]any{"IdentityPoolId": demoPool, "Logins": both}), user},
		{o.any().onWire("a guest signs up", "GetCredentialsForIdentity", map[string]any{"IdentityId": guest.id, "Logins": stranger}), guestState},
		{o.any().onWire("a guest signs up", "GetOpenIdToken", map[string]any{"IdentityId": guest.id, "Logins": stranger}), guestState},
		{o.any().onREST("a guest signs up", "credentials", map[string]any{"identityId": guest.id, "logins": stranger}), guestState},
		{o.any().onWire("a guest signs in", "GetCredentialsForIdentity", map[string]any{"IdentityId": guest.id, "Logins": u.login}), guestState},
		{o.any().onREST("a backend's user is linked", "developer/credentials", map[string]any{"userIdentifier": "new", "identityId": u.id}, caller...), user},
		{o.any().onREST("a backend's user is linked", "developer/token", map[string]any{"userIdentifier": "new", "identityId": u.id}, caller...), user},
		{bySDK("DeleteIdentities", func(ctx context.Context) error {
			_, err := admin.DeleteIdentities(ctx, &cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: []string{u.id}})
			return err
		}), user},
		{bySDK("SetIdentityPoolRoles", func(ctx context.Context) error {
			_, err := admin.SetIdentityPoolRoles(ctx, &cognitoidentity.SetIdentityPoolRolesInput{
				IdentityPoolId: aws.String(demoPool), Roles: map[string]string{"authenticated": unauthRole},
			})
			return err
		}), pool},
		{question{"REST purge", true, func(ctx context.Context) (reply, error) {
			return ask(ctx, o.any().url+"/v1/pools/"+demoPool+"/identities/"+u.id+"/purge", bearer(adminAPIKey), nil)
		}}, user},
	}
}

// described is how upstream describes an identity.
func (o *outage) described(id string) func() string {
	return func() string {
		out, err := o.engine.sdkAs(admin()).DescribeIdentity(o.Context(), &cognitoidentity.DescribeIdentityInput{IdentityId: aws.String(id)})
		if err != nil {
			return code(err)
		}
		return fmt.Sprint(slices.Sorted(slices.Values(out.Logins)), out.LastModifiedDate)
	}
}

// roles are those of the demo pool, as upstream has them.
func (o *outage) roles() string {
	a := restRoute{}.with(o.T, o.engine, http.MethodGet, "/v1/pools/"+demoPool+"/roles", "", adminAPIKey)
	return string(a.body)
}
