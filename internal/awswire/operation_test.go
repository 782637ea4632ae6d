package awswire_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

// The table serves every operation of the SDK's client and no other.
func TestTableIsTheClient(t *testing.T) {
	var client []string
	methods := reflect.TypeFor[*cognitoidentity.Client]()
	for i := range methods.NumMethod() {
		if m := methods.Method(i); m.Type.NumIn() == 4 && m.Type.In(1) == reflect.TypeFor[context.Context]() {
			client = append(client, m.Name)
		}
	}
	if len(client) != 23 {
		t.Fatalf("got %d operations in the SDK, want 23: look at what is new", len(client))
	}
	if diff := cmp.Diff(client, awswire.Served()); diff != "" {
		t.Errorf("table (-client +table):\n%s", diff)
	}
	s := newServer(&fake{})
	for _, name := range client {
		r := s.Serve(t.Context(), call(name, "{}"))
		want := "MissingAuthenticationTokenException"
		if awswire.AccessOf(name) == awswire.Unsigned {
			want = cognito.CodeValidation // {} lacks what each operation requires
		}
		if r.Code != want || r.Status != 400 || r.Operation != name {
			t.Errorf("%s: got %d %s of %q, want 400 %s", name, r.Status, r.Code, r.Operation, want)
		}
	}
}

// Who may call what is the model's word (unsigned) and the contract's (scopes).
func TestAccessOfEveryOperation(t *testing.T) {
	unsigned := []string{"GetCredentialsForIdentity", "GetId", "GetOpenIdToken", "UnlinkIdentity"}
	developer := []string{
		"GetOpenIdTokenForDeveloperIdentity", "LookupDeveloperIdentity", "MergeDeveloperIdentities", "UnlinkDeveloperIdentity",
	}
	for _, name := range awswire.Served() {
		want := awswire.Admin
		switch {
		case slices.Contains(unsigned, name):
			want = awswire.Unsigned
		case slices.Contains(developer, name):
			want = awswire.Developer
		}
		if got := awswire.AccessOf(name); got != want {
			t.Errorf("%s: got access %d, want %d", name, got, want)
		}
	}
}

func TestInputAndCall(t *testing.T) {
	f := &fake{}
	tree := map[string]any{"IdentityPoolId": pool, "Logins": map[string]any{"p": "t"}}
	in, err := awswire.Input[cognitoidentity.GetIdInput]("GetId", tree)
	if err != nil {
		t.Fatal(err)
	}
	got, err := awswire.Call(t.Context(), f, "GetId", cognito.API.GetId, in)
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(got.IdentityId) != identity || f.id.Logins["p"] != "t" {
		t.Errorf("got %v, want the API's output for the input given", got)
	}
	refused := []struct {
		operation, code string
		tree            map[string]any
	}{
		{"GetId", cognito.CodeValidation, nil},
		{"GetId", cognito.CodeSerialization, map[string]any{"IdentityPoolId": true}},
		{"Brew", cognito.CodeUnknownOperation, nil},
	}
	for _, tt := range refused {
		in, err := awswire.Input[cognitoidentity.GetIdInput](tt.operation, tt.tree)
		if err == nil || in != nil || cognito.Public(err).ErrorCode() != tt.code {
			t.Errorf("%s: got %v, %v, want %s", tt.operation, in, err, tt.code)
		}
	}
	// An API that answers nothing at all is at fault, not its caller.
	_, err = awswire.Call(t.Context(), &fake{}, "GetCredentialsForIdentity", cognito.API.GetCredentialsForIdentity,
		&cognitoidentity.GetCredentialsForIdentityInput{IdentityId: aws.String(identity)})
	if err == nil || !cognito.Passing(err) {
		t.Errorf("no output: got %v, want a passing error", err)
	}
}
