package embedded_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// What a configuration changes of a pool is marked, and nothing else: also what it
// takes back of a change by the API, and not what it leaves as it is.
func TestAppliedPoolsAreMarked(t *testing.T) {
	const id, other = "us-east-1:20000000-0000-4000-8000-000000000001", "us-east-1:20000000-0000-4000-8000-000000000002"
	const one, two = "arn:aws:iam::000000000000:oidc-provider/one.example",
		"arn:aws:iam::000000000000:oidc-provider/two.example"
	r := newRig(t)
	no := false
	p := rules.Pool{ID: id, Name: "p", AllowGuests: true, OIDCProviderARNs: []string{one, two}}
	marks := func() (m store.Marks) {
		t.Helper()
		if err := r.store.View(t.Context(), func(tx *store.Tx) (err error) { m, err = tx.Marks(); return err }); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, step := range []struct {
		what                string
		change              func()
		logins, credentials bool
	}{
		{"a new pool", func() {}, true, true},
		{"nothing", func() {}, false, false},
		{"its name", func() { p.Name = "q" }, false, false},
		{"a role", func() { p.Roles.Authenticated = "arn:aws:iam::000000000000:role/a" }, false, true},
		{"guests", func() { p.AllowGuests = false }, false, true},
		{"the classic flow", func() { p.AllowClassic = &no }, false, true},
		{"how long guests are kept", func() { p.GuestRetention = 48 * time.Hour }, false, true},
		{"a provider less", func() { p.OIDCProviderARNs = []string{one} }, true, true},
		{"a developer provider", func() { p.DeveloperProvider = "login.example" }, true, true},
		{"a role by the API, which the configuration takes back", func() {
			before := marks()
			if _, err := r.SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
				IdentityPoolId: aws.String(id), Roles: map[string]string{"authenticated": "arn:aws:iam::000000000000:role/b"},
			}); err != nil {
				t.Fatal(err)
			}
			if got := marks(); got.Credentials[id] != before.Credentials[id] {
				t.Error("a change by the API: got it marked, want it left to the caches' fence")
			}
		}, false, true},
	} {
		before := marks()
		step.change()
		if err := r.ApplyPools(t.Context(), []rules.Pool{p, {ID: other, Name: "other"}}); err != nil {
			t.Fatal(err)
		}
		now := marks()
		if l, c := now.Logins[id] != before.Logins[id], now.Credentials[id] != before.Credentials[id]; l != step.logins ||
			c != step.credentials {
			t.Errorf("%s: got marked %v and %v, want %v for its logins and %v for credentials", step.what, l, c, step.logins,
				step.credentials)
		}
		if step.what != "a new pool" && now.Credentials[other] != before.Credentials[other] {
			t.Errorf("%s: another pool is marked too", step.what)
		}
	}
}

// What a configuration does not say of mappings and tags stays as the API set it; what it
// says, also that there are none, is so, and it alone says who the providers are.
func TestAppliedSettings(t *testing.T) {
	r := newKindsRig(t)
	mappings := func() map[string]types.RoleMapping {
		t.Helper()
		out, err := r.GetIdentityPoolRoles(t.Context(), &cognitoidentity.GetIdentityPoolRolesInput{IdentityPoolId: aws.String(everyone)})
		if err != nil {
			t.Fatal(err)
		}
		return out.RoleMappings
	}
	apply := func() {
		t.Helper()
		if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
			t.Fatal(err)
		}
	}
	token := map[string]types.RoleMapping{usersKey + ":web": {Type: "Token", AmbiguousRoleResolution: "Deny"}}
	if _, err := r.SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: aws.String(everyone), Roles: map[string]string{}, RoleMappings: token,
	}); err != nil {
		t.Fatal(err)
	}
	apply()
	if len(mappings()) != 1 {
		t.Errorf("nothing said: got %v, want the API's mapping", mappings())
	}
	r.pool.Mappings = map[string]rules.Mapping{googleKey: {Type: "Token", Ambiguous: "Deny"}}
	r.pool.PrincipalTags = map[string]rules.TagMap{googleKey: {UseDefaults: true}}
	apply()
	if _, ok := mappings()[googleKey]; !ok || len(mappings()) != 1 {
		t.Errorf("one said: got %v, want the configuration's mapping", mappings())
	}
	r.pool.Mappings, r.pool.PrincipalTags = map[string]rules.Mapping{}, nil
	apply()
	tags, err := r.GetPrincipalTagAttributeMap(t.Context(), &cognitoidentity.GetPrincipalTagAttributeMapInput{
		IdentityPoolId: aws.String(everyone), IdentityProviderName: aws.String(googleKey),
	})
	if err != nil || len(mappings()) != 0 || !*tags.UseDefaults {
		t.Errorf("none said: got mappings %v, tags %v, %v", mappings(), tags, err)
	}
	r.pool.SAMLProviderARNs, r.pool.PublicProviders = nil, nil
	apply()
	r.equal("a provider taken out", r.id(everyone, r.of(samlARN, "alice", "app")), unsupported)
}
