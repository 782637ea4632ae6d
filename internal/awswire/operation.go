package awswire

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// operation is a row of the table. One without a call is known but not served.
type operation struct {
	name   string
	access Access
	silent bool // success has an empty body, not an empty object
	// The input has a member that says which pool the call concerns: only then may
	// it decide who is let in, for members that no shape has are ignored.
	byPool, byIdentity bool
	call               func(ctx context.Context, api cognito.API, tree map[string]any) (any, error)
}

// operations is the table: every operation of the service by name. It is built
// once and never changed. To serve one, give it a row here, its method in
// cognito.API and its constraints in cognito.
var operations = table(
	row("CreateIdentityPool", Admin, cognito.API.CreateIdentityPool),
	unserved("DeleteIdentities"),
	row("DeleteIdentityPool", Admin, cognito.API.DeleteIdentityPool).withoutOutput(),
	row("DescribeIdentity", Admin, cognito.API.DescribeIdentity),
	row("DescribeIdentityPool", Admin, cognito.API.DescribeIdentityPool),
	row("GetCredentialsForIdentity", Unsigned, cognito.API.GetCredentialsForIdentity),
	row("GetId", Unsigned, cognito.API.GetId),
	row("GetIdentityPoolRoles", Admin, cognito.API.GetIdentityPoolRoles),
	row("GetOpenIdToken", Unsigned, cognito.API.GetOpenIdToken),
	row("GetOpenIdTokenForDeveloperIdentity", Developer, cognito.API.GetOpenIdTokenForDeveloperIdentity),
	unserved("GetPrincipalTagAttributeMap"),
	unserved("ListIdentities"),
	row("ListIdentityPools", Admin, cognito.API.ListIdentityPools),
	unserved("ListTagsForResource"),
	unserved("LookupDeveloperIdentity"),
	unserved("MergeDeveloperIdentities"),
	row("SetIdentityPoolRoles", Admin, cognito.API.SetIdentityPoolRoles).withoutOutput(),
	unserved("SetPrincipalTagAttributeMap"),
	unserved("TagResource"),
	unserved("UnlinkDeveloperIdentity"),
	row("UnlinkIdentity", Unsigned, cognito.API.UnlinkIdentity).withoutOutput(),
	unserved("UntagResource"),
	row("UpdateIdentityPool", Admin, cognito.API.UpdateIdentityPool),
)

func table(rows ...operation) map[string]operation {
	byName := make(map[string]operation, len(rows))
	for _, o := range rows {
		byName[o.name] = o
	}
	return byName
}

func unserved(name string) operation { return operation{name: name} }

// row serves an operation by one of the API's methods.
func row[In, Out any](
	name string, access Access,
	method func(cognito.API, context.Context, *In, ...func(*cognitoidentity.Options)) (*Out, error),
) operation {
	call := func(ctx context.Context, api cognito.API, tree map[string]any) (any, error) {
		in := new(In)
		if err := decode(in, tree); err != nil {
			return nil, err
		}
		out, err := method(api, ctx, in)
		switch {
		case err != nil:
			return nil, err
		case out == nil:
			return nil, fmt.Errorf("%s: neither output nor error", name)
		}
		return out, nil
	}
	_, byPool := reflect.TypeFor[In]().FieldByName(memberPool)
	_, byIdentity := reflect.TypeFor[In]().FieldByName(memberIdentity)
	return operation{name: name, access: access, byPool: byPool, byIdentity: byIdentity, call: call}
}

// withoutOutput marks an operation whose success has no body in the model.
func (o operation) withoutOutput() operation {
	o.silent = true
	return o
}

// Invoke validates a decoded input, calls the operation and returns the SDK's
// output, a pointer. It fails as cognito.Validate and the API do, and with
// UnknownOperationException for what is not served. It authenticates nobody:
// the caller of Invoke has, by Authorize, where the operation needs it.
func Invoke(ctx context.Context, api cognito.API, operation string, tree map[string]any) (any, error) {
	o, err := served(operation)
	if err != nil {
		return nil, err
	}
	if err := cognito.Validate(o.name, tree); err != nil {
		return nil, err
	}
	return o.call(ctx, api, tree)
}

func served(name string) (operation, error) {
	o, ok := operations[name]
	if !ok || o.call == nil {
		return operation{}, noOperation(fmt.Sprintf("The operation %.64q is not served.", name))
	}
	return o, nil
}

// Served lists the operations that have a row, in order.
func Served() []string { return names(func(o operation) bool { return o.call != nil }) }

// Unserved lists the operations of the service that have none yet, in order.
func Unserved() []string { return names(func(o operation) bool { return o.call == nil }) }

func names(choose func(operation) bool) []string {
	var list []string
	for name, o := range operations {
		if choose(o) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}
