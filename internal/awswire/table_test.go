package awswire

import (
	"context"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// Every exception in the SDK's source has a status.
func TestStatusOfEveryException(t *testing.T) {
	pkg, err := build.Import("github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, "errors.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || !strings.HasSuffix(spec.Name.Name, "Exception") {
			return true
		}
		count++
		want := http.StatusBadRequest
		if spec.Name.Name == cognito.CodeInternal {
			want = http.StatusInternalServerError
		}
		if got, ok := statusOf(spec.Name.Name); !ok || got != want {
			t.Errorf("%s: got %d, want %d", spec.Name.Name, got, want)
		}
		return true
	})
	if count != 11 {
		t.Errorf("got %d exceptions, want 11: look at what is new", count)
	}
	for code, want := range map[string]int{
		cognito.CodeValidation: 400, cognito.CodeSerialization: 400, cognito.CodeUnknownOperation: 400,
		cognito.CodeAccessDenied: 400, cognito.CodeTooLarge: 413, cognito.CodeInternal: 500,
	} {
		if got, ok := statusOf(code); !ok || got != want {
			t.Errorf("%s: got %d, want %d", code, got, want)
		}
	}
	if got, ok := statusOf("SomethingElse"); ok {
		t.Errorf("unknown code: got %d, want none", got)
	}
}

// Kinds of rows, whatever the table holds. They borrow GetId's constraints.
func TestKindsOfRows(t *testing.T) {
	called := 0
	deletePool := func(cognito.API, context.Context, *cognitoidentity.DeleteIdentityPoolInput, ...func(*cognitoidentity.Options)) (*cognitoidentity.DeleteIdentityPoolOutput, error) {
		called++
		return &cognitoidentity.DeleteIdentityPoolOutput{}, nil
	}
	tests := []struct {
		name   string
		row    operation
		status int
		code   string
		body   string
	}{
		{"empty output", row("GetId", Unsigned, deletePool), 200, "", "{}"},
		{"no output", row("GetId", Unsigned, deletePool).withoutOutput(), 200, "", ""},
		{"admin's", row("GetId", Admin, deletePool), 400, codeNoAuthentication, `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
		{"backend's", row("GetId", Developer, deletePool), 400, codeNoAuthentication, `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
		{"nobody's", row("GetId", 0, deletePool), 400, codeNoAuthentication, `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
	}
	for _, tt := range tests {
		called = 0
		s := New(Config{})
		s.operations = table(tt.row)
		got := s.Serve(t.Context(), &Request{
			Method: "POST", Path: "/", Body: []byte(`{"IdentityPoolId":"us-east-1:0"}`),
			Headers: []Header{
				{Name: headerTarget, Value: targetPrefix + "GetId"}, {Name: "Content-Type", Value: contentJSON},
				{Name: "Authorization", Value: "Bearer x"},
			},
		})
		if got.Status != tt.status || got.Code != tt.code || string(got.Body) != tt.body || got.ContentType != contentJSON {
			t.Errorf("%s: got %d %q %q, want %d %q %q", tt.name, got.Status, got.Code, got.Body, tt.status, tt.code, tt.body)
		}
		if (called == 1) != (tt.status == 200) {
			t.Errorf("%s: got %d calls", tt.name, called)
		}
	}
}

// What nobody may call, no caller may either, whatever his rights.
func TestNobodysRow(t *testing.T) {
	who := anyone(t)
	for _, access := range []Access{0, Admin + 1, -1} {
		o := operation{name: "GetId", access: access, byPool: true}
		for _, err := range []error{
			o.permitScope(who, nil),
			o.permitPool(t.Context(), who, nil, map[string]any{memberPool: "us-east-1:0"}),
		} {
			if err == nil || cognito.Public(err).ErrorCode() != cognito.CodeAccessDenied {
				t.Errorf("access %d: got %v, want %s", access, err, cognito.CodeAccessDenied)
			}
		}
	}
}

func anyone(t *testing.T) *callers.Caller {
	t.Helper()
	r, err := callers.New("000000000000", []callers.Config{{
		Name: "all", AccessKeys: []callers.AccessKey{{ID: "A", Secret: "s"}}, APIKeys: []callers.Digest{callers.DigestOf("k")}, Pools: []string{callers.AnyPool, "us-east-1:0"},
		Scopes: []callers.Scope{callers.Developer, callers.Admin, callers.Explain},
	}})
	if err != nil {
		t.Fatal(err)
	}
	who, _, _ := r.ByAccessKey("A")
	return who
}

// Every input of a signed operation that can name a role is looked at: one that an
// SDK brings is found here. Of unsigned ones the engine, or Cognito, judges the role.
func TestEveryInputWithRolesIsChecked(t *testing.T) {
	var found []string
	for i := range reflect.TypeFor[cognito.API]().NumMethod() {
		method := reflect.TypeFor[cognito.API]().Method(i)
		in := reflect.New(method.Type.In(1).Elem())
		if !fillRoles(in.Elem(), false) || operations[method.Name].access == Unsigned {
			continue
		}
		found = append(found, method.Name)
		if err := passRoles(t.Context(), in.Interface()); err == nil {
			t.Errorf("%s: gives roles that nobody may pass", method.Name)
		}
	}
	if len(found) != 1 || found[0] != "SetIdentityPoolRoles" {
		t.Errorf("got %v, want SetIdentityPoolRoles: does passRoles know the others?", found)
	}
}

// fillRoles sets every text below a member whose name speaks of roles, and says
// whether there is one.
func fillRoles(v reflect.Value, within bool) (found bool) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if v.Field(i).CanSet() && name != "ResultMetadata" {
				found = fillRoles(v.Field(i), within || strings.Contains(name, "Role")) || found
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fillRoles(v.Elem(), within)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fillRoles(v.Index(0), within)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		found = fillRoles(value, within)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("role")
		return within
	}
	return found
}
