//go:build !race

package embedded_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/sts/trust"
)

// Whatever the engine holds, Decide refuses what the operation called right after
// refuses, with the same error, and tells exactly what it changes; Decide itself
// writes nothing, and neither does a call that is refused.
//
// A long run: go test -run TestDecideForesees -rapid.checks=5000 -timeout 1h
func TestDecideForesees(t *testing.T) {
	fewer(t, "25") // each call looks at everything four times
	var all tally
	rapid.Check(t, func(t *rapid.T) {
		w := newForeseen(t, &all)
		t.Repeat(map[string]func(*rapid.T){
			"app":   func(t *rapid.T) { w.call(t, "GetId", "GetCredentialsForIdentity", "GetOpenIdToken", "UnlinkIdentity") },
			"again": func(t *rapid.T) { w.call(t, "GetId", "GetCredentialsForIdentity", "GetOpenIdToken") },
			"backend": func(t *rapid.T) {
				w.call(t, "GetOpenIdTokenForDeveloperIdentity", "UnlinkDeveloperIdentity", "MergeDeveloperIdentities")
			},
			"deletion": func(t *rapid.T) { w.delete(t) },
			"token":    func(t *rapid.T) { w.ownToken(t) },
			"pool":     func(t *rapid.T) { w.changePool(t) },
		})
	})
	if all.refused == 0 || all.changed == 0 || all.unchanged == 0 {
		t.Errorf("got %+v, want calls of every kind", all)
	}
}

// tally counts what became of calls; late are those that an STS refused, which may be none.
type tally struct{ refused, changed, unchanged, late int }

// foreseen is an engine each of whose calls is decided first.
type foreseen struct {
	*modelled
	*embedded.Engine
	t   *rapid.T
	all *tally
}

// The roles that pools are given: a good one, one that the STS refuses, and one whose
// trust policy denies it to all.
var roleNames = []string{"", "a", "refused", "denied"}

const roleARN = "arn:aws:iam::" + account + ":role/"

// choosy is an STS that refuses a role.
type choosy struct{ sts.Assumer }

func (c choosy) Assume(ctx context.Context, req sts.AssumeRequest) (sts.Credentials, error) {
	if req.RoleARN == roleARN+"refused" {
		return sts.Credentials{}, sts.NotAuthorized(nil)
	}
	return c.Assumer.Assume(ctx, req)
}

func newForeseen(t *rapid.T, all *tally) *foreseen {
	denying, err := trust.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"no-pool"}}}]}`)
	must(t, err)
	w := &foreseen{t: t, all: all}
	w.modelled = newModelled(t, func(c *embedded.Config) {
		c.Trust, c.STS = map[string]*trust.Policy{roleARN + "denied": denying}, choosy{c.STS}
	})
	w.Engine = w.engine
	w.caller.API = w
	w.identities = func() []model.Identity { return w.dump().all() }
	w.owner = func(pool string, l model.Login) (string, bool) {
		id, ok := w.dump().owners[pool][cognito.Login(l)]
		return id, ok
	}
	return w
}

func (w *foreseen) call(t *rapid.T, names ...string) {
	w.t = t
	_, err := w.caller.Call(context.Background(), w.draw(t, rapid.SampledFrom(names).Draw(t, "operation")))
	must(t, err)
}

func (w *foreseen) delete(t *rapid.T) {
	w.t = t
	var ids []string
	for range rapid.IntRange(1, 3).Draw(t, "how many") {
		ids = append(ids, w.pick(t, ""))
	}
	out, err := w.DeleteIdentities(context.Background(), &cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: ids})
	must(t, err)
	if len(out.UnprocessedIdentityIds) > 0 {
		t.Fatalf("delete %v: got %v", ids, out.UnprocessedIdentityIds)
	}
}

// ownToken presents a token of the engine, also of an identity that it was not
// made for.
func (w *foreseen) ownToken(t *rapid.T) {
	w.t = t
	pool := rapid.SampledFrom(w.pools).Draw(t, "pool").ID
	got, err := w.Engine.GetOpenIdTokenForDeveloperIdentity(context.Background(),
		&cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: &pool, Logins: map[string]string{developer: rapid.SampledFrom(subjects).Draw(t, "user")},
		})
	must(t, err)
	id := *got.IdentityId
	if rarely(t, "another's") {
		id = w.pick(t, pool)
	}
	w.GetCredentialsForIdentity(context.Background(), &cognitoidentity.GetCredentialsForIdentityInput{
		IdentityId: &id, Logins: map[string]string{cognito.PassThrough: *got.Token},
	})
}

func (w *foreseen) changePool(t *rapid.T) {
	w.t = t
	ctx, pool := context.Background(), rapid.SampledFrom([]string{open, open, closed, bare}).Draw(t, "pool")
	arn := "arn:aws:cognito-identity:us-east-1:" + account + ":identitypool/" + pool
	word := rapid.SampledFrom([]string{"", "x", "y", "aws:z"})
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		roles := map[string]string{}
		for _, slot := range []string{"authenticated", "unauthenticated"} {
			if name := rapid.SampledFrom(roleNames).Draw(t, slot); name != "" {
				roles[slot] = roleARN + name
			}
		}
		in := &cognitoidentity.SetIdentityPoolRolesInput{IdentityPoolId: &pool, Roles: roles}
		if rarely(t, "mapped") {
			in.RoleMappings = map[string]types.RoleMapping{providers[0]: {Type: "Token", AmbiguousRoleResolution: "Deny"}}
		}
		w.SetIdentityPoolRoles(ctx, in)
	case 1:
		w.TagResource(ctx,
			&cognitoidentity.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{word.Draw(t, "tag"): "v"}})
	case 2:
		w.UntagResource(ctx, &cognitoidentity.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{word.Draw(t, "tag")}})
	case 3:
		w.SetPrincipalTagAttributeMap(ctx, &cognitoidentity.SetPrincipalTagAttributeMapInput{
			IdentityPoolId:       &pool,
			IdentityProviderName: aws.String(rapid.SampledFrom(append(providers, "nobody")).Draw(t, "provider")),
			PrincipalTags:        map[string]string{"k": word.Draw(t, "claim")},
			UseDefaults:          aws.Bool(rapid.Bool().Draw(t, "defaults")),
		})
	case 4:
		name := rapid.SampledFrom([]string{developer, developer, "other.example"}).Draw(t, "developer")
		in := &cognitoidentity.UpdateIdentityPoolInput{
			IdentityPoolId: &pool, IdentityPoolName: aws.String("p" + word.Draw(t, "name")), DeveloperProviderName: &name,
			AllowUnauthenticatedIdentities: rapid.IntRange(0, 3).Draw(t, "guests") > 0,
			AllowClassicFlow:               aws.Bool(rapid.IntRange(0, 3).Draw(t, "classic") > 0),
		}
		for _, p := range providers[rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "providers"):] {
			in.OpenIdConnectProviderARNs = append(in.OpenIdConnectProviderARNs, "arn:aws:iam::"+account+":oidc-provider/"+p)
		}
		w.UpdateIdentityPool(ctx, in)
	case 5:
		if rarely(t, "delete") {
			w.DeleteIdentityPool(ctx, &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: aws.String(bare)})
			return
		}
		w.CreateIdentityPool(ctx,
			&cognitoidentity.CreateIdentityPoolInput{IdentityPoolName: aws.String("p" + word.Draw(t, "name"))})
	}
}

// decideFirst decides a call, makes it, and compares.
func decideFirst[In, Out any](
	ctx context.Context, w *foreseen, in *In,
	call func(context.Context, *In, ...func(*cognitoidentity.Options)) (*Out, error),
) (*Out, error) {
	before := w.dump()
	effect, refused := w.engine.Decide(ctx, in)
	if diff := cmp.Diff(before.text(), w.dump().text()); diff != "" {
		w.t.Fatalf("Decide of %T wrote: %s", in, diff)
	}
	out, err := call(ctx, in)
	after := w.dump()
	if err != nil && before.text() != after.text() {
		w.t.Fatalf("%T failed with %v, and changed: %s", in, err, cmp.Diff(before.text(), after.text()))
	}
	_, credentials := any(in).(*cognitoidentity.GetCredentialsForIdentityInput)
	if credentials && refused == nil && spellAny(err) == misconfig { // by the STS
		w.all.late++
		return out, err
	}
	if spellAny(err) != spellAny(refused) {
		w.t.Fatalf("%T: got %v, Decide said %v", in, err, refused)
	}
	if diff := cmp.Diff(before.effect(after), effect); diff != "" {
		w.t.Fatalf("%T changed, and Decide said: %s", in, diff)
	}
	switch {
	case err != nil:
		w.all.refused++
	case effect.Changes():
		w.all.changed++
	default:
		w.all.unchanged++
	}
	return out, err
}

func spellAny(err error) string {
	if err == nil {
		return ""
	}
	return spell(err)
}
