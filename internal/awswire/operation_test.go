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

// The table knows every operation of the SDK's client and no other; those with a
// row are served, the rest are refused.
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
	table := append(awswire.Served(), awswire.Unserved()...)
	slices.Sort(table)
	if diff := cmp.Diff(client, table); diff != "" {
		t.Errorf("table (-client +table):\n%s", diff)
	}
	s := newServer(&fake{})
	for _, name := range client {
		r := s.Serve(t.Context(), call(name, "{}"))
		want := cognito.CodeUnknownOperation
		if slices.Contains(awswire.Served(), name) {
			want = cognito.CodeValidation // {} lacks what each operation requires
		}
		if r.Code != want || r.Status != 400 || r.Operation != name {
			t.Errorf("%s: got %d %s of %q, want 400 %s", name, r.Status, r.Code, r.Operation, want)
		}
	}
}

func TestServed(t *testing.T) {
	if diff := cmp.Diff([]string{"GetCredentialsForIdentity", "GetId"}, awswire.Served()); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
}

func TestInvoke(t *testing.T) {
	f := &fake{}
	out, err := awswire.Invoke(t.Context(), f, "GetId", map[string]any{"IdentityPoolId": pool, "Logins": map[string]any{"p": "t"}})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := out.(*cognitoidentity.GetIdOutput)
	if !ok || aws.ToString(got.IdentityId) != identity || f.id.Logins["p"] != "t" {
		t.Errorf("got %T, want the API's output for the input given", out)
	}
	refused := []struct {
		operation, code string
		tree            map[string]any
	}{
		{"GetId", cognito.CodeValidation, nil},
		{"GetId", cognito.CodeSerialization, map[string]any{"IdentityPoolId": true}},
		{"GetOpenIdToken", cognito.CodeUnknownOperation, nil},
		{"Brew", cognito.CodeUnknownOperation, nil},
	}
	for _, tt := range refused {
		f := &fake{}
		out, err := awswire.Invoke(t.Context(), f, tt.operation, tt.tree)
		if err == nil || out != nil || cognito.Public(err).ErrorCode() != tt.code || f.id != nil {
			t.Errorf("%s: got %v, %v, want %s", tt.operation, out, err, tt.code)
		}
	}
	// An API that answers nothing at all is at fault, not its caller.
	if _, err := awswire.Invoke(t.Context(), &fake{}, "GetCredentialsForIdentity", map[string]any{"IdentityId": identity}); err == nil || !cognito.Passing(err) {
		t.Errorf("no output: got %v, want a passing error", err)
	}
}
