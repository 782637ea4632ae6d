package awswire

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// operation is a row of the table.
type operation struct {
	name   string
	access Access
	silent bool // success has an empty body, not an empty object
	// The input has a member that says which pools the call concerns: only then may
	// it decide who is let in, for members that no shape has are ignored.
	byPool, byResource, byIdentity, byIdentities bool

	call func(ctx context.Context, api cognito.API, tree map[string]any) (any, error)
}

// operations is the table: every operation of the service by name. It is built
// once and never changed. To serve one, give it a row here, its method in
// cognito.API and its constraints in cognito.
var operations = table(
	row("CreateIdentityPool", Admin, cognito.API.CreateIdentityPool),
	row("DeleteIdentities", Admin, cognito.API.DeleteIdentities),
	row("DeleteIdentityPool", Admin, cognito.API.DeleteIdentityPool).withoutOutput(),
	row("DescribeIdentity", Admin, cognito.API.DescribeIdentity),
	row("DescribeIdentityPool", Admin, cognito.API.DescribeIdentityPool),
	row("GetCredentialsForIdentity", Unsigned, cognito.API.GetCredentialsForIdentity),
	row("GetId", Unsigned, cognito.API.GetId),
	row("GetIdentityPoolRoles", Admin, cognito.API.GetIdentityPoolRoles),
	row("GetOpenIdToken", Unsigned, cognito.API.GetOpenIdToken),
	row("GetOpenIdTokenForDeveloperIdentity", Developer, cognito.API.GetOpenIdTokenForDeveloperIdentity),
	row("GetPrincipalTagAttributeMap", Admin, cognito.API.GetPrincipalTagAttributeMap),
	row("ListIdentities", Admin, cognito.API.ListIdentities),
	row("ListIdentityPools", Admin, cognito.API.ListIdentityPools),
	row("ListTagsForResource", Admin, cognito.API.ListTagsForResource),
	row("LookupDeveloperIdentity", Developer, cognito.API.LookupDeveloperIdentity),
	row("MergeDeveloperIdentities", Developer, cognito.API.MergeDeveloperIdentities),
	row("SetIdentityPoolRoles", Admin, cognito.API.SetIdentityPoolRoles).withoutOutput(),
	row("SetPrincipalTagAttributeMap", Admin, cognito.API.SetPrincipalTagAttributeMap),
	row("TagResource", Admin, cognito.API.TagResource),
	row("UnlinkDeveloperIdentity", Developer, cognito.API.UnlinkDeveloperIdentity).withoutOutput(),
	row("UnlinkIdentity", Unsigned, cognito.API.UnlinkIdentity).withoutOutput(),
	row("UntagResource", Admin, cognito.API.UntagResource),
	row("UpdateIdentityPool", Admin, cognito.API.UpdateIdentityPool),
)

func table(rows ...operation) map[string]operation {
	byName := make(map[string]operation, len(rows))
	for _, o := range rows {
		byName[o.name] = o
	}
	return byName
}

// Method is a method of the API as an expression, such as cognito.API.GetId.
type Method[In, Out any] func(cognito.API, context.Context, *In, ...func(*cognitoidentity.Options)) (*Out, error)

// row serves an operation by one of the API's methods.
func row[In, Out any](name string, access Access, method Method[In, Out]) operation {
	call := func(ctx context.Context, api cognito.API, tree map[string]any) (any, error) {
		in := new(In)
		if err := decode(in, tree); err != nil {
			return nil, err
		}
		out, err := Call(ctx, api, name, method, in)
		if err != nil {
			return nil, err // not a nil pointer within an any
		}
		return out, nil
	}
	return operation{
		name: name, access: access, call: call,
		byPool: has[In](memberPool), byResource: has[In](memberResource),
		byIdentity: has[In](memberIdentity), byIdentities: has[In](memberIdentities),
	}
}

// Call calls an operation by a method of the API, with an input that keeps the model's
// constraints (Input, cognito.Check), and returns the output, which is not nil. It fails
// as the API does. It authenticates nobody: who calls it has, by Authorize, where the
// operation needs it, and put the caller into ctx (callers.With): roles are given to a
// pool only where that caller may pass them, else Call fails with AccessDeniedException.
func Call[In, Out any](
	ctx context.Context, api cognito.API, operation string, method Method[In, Out], in *In,
) (*Out, error) {
	if err := passRoles(ctx, in); err != nil {
		return nil, err
	}
	out, err := method(api, ctx, in)
	switch {
	case err != nil:
		return nil, err
	case out == nil:
		return nil, fmt.Errorf("%s: neither output nor error", operation)
	}
	return out, nil
}

// Input makes an operation's input of a tree under the model's names, once the tree keeps
// the model's constraints. It fails as cognito.Validate does.
func Input[In any](operation string, tree map[string]any) (*In, error) {
	if err := cognito.Validate(operation, tree); err != nil {
		return nil, err
	}
	in := new(In)
	if err := decode(in, tree); err != nil {
		return nil, err
	}
	return in, nil
}

func has[In any](member string) bool {
	_, ok := reflect.TypeFor[In]().FieldByName(member)
	return ok
}

// withoutOutput marks an operation whose success has no body in the model.
func (o operation) withoutOutput() operation {
	o.silent = true
	return o
}

func served(name string) (operation, error) {
	o, ok := operations[name]
	if !ok {
		return operation{}, noOperation(fmt.Sprintf("The operation %.64q is not served.", name))
	}
	return o, nil
}

// NeedsCaller reports whether name is an operation that is served to authenticated callers
// only.
func NeedsCaller(name string) bool {
	o, ok := operations[name]
	return ok && o.access != Unsigned
}

// Served lists the operations, in order.
func Served() []string { return slices.Sorted(maps.Keys(operations)) }
