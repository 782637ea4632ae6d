package awswire

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Access says who may call an operation. The zero value is nobody.
type Access int

// Kinds of access.
const (
	_ Access = iota
	// Unsigned operations are for everybody; a signature is ignored.
	Unsigned
	// Signed operations are for authenticated callers.
	Signed
)

// operation is a row of the table. One without a call is known but not served.
type operation struct {
	name   string
	access Access
	silent bool // success has an empty body, not an empty object
	call   func(ctx context.Context, api cognito.API, tree map[string]any) (any, error)
}

// operations is the table: every operation of the service by name. It is built
// once and never changed. To serve one, give it a row here, its method in
// cognito.API and its constraints in cognito.
var operations = table(
	unserved("CreateIdentityPool"),
	unserved("DeleteIdentities"),
	unserved("DeleteIdentityPool"),
	unserved("DescribeIdentity"),
	unserved("DescribeIdentityPool"),
	row("GetCredentialsForIdentity", Unsigned, cognito.API.GetCredentialsForIdentity),
	row("GetId", Unsigned, cognito.API.GetId),
	unserved("GetIdentityPoolRoles"),
	unserved("GetOpenIdToken"),
	unserved("GetOpenIdTokenForDeveloperIdentity"),
	unserved("GetPrincipalTagAttributeMap"),
	unserved("ListIdentities"),
	unserved("ListIdentityPools"),
	unserved("ListTagsForResource"),
	unserved("LookupDeveloperIdentity"),
	unserved("MergeDeveloperIdentities"),
	unserved("SetIdentityPoolRoles"),
	unserved("SetPrincipalTagAttributeMap"),
	unserved("TagResource"),
	unserved("UnlinkDeveloperIdentity"),
	unserved("UnlinkIdentity"),
	unserved("UntagResource"),
	unserved("UpdateIdentityPool"),
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
	return operation{name: name, access: access, call: call}
}

// withoutOutput marks an operation whose success has no body in the model.
func (o operation) withoutOutput() operation {
	o.silent = true
	return o
}

// run is the one way through an operation.
func (o operation) run(ctx context.Context, api cognito.API, tree map[string]any) (any, error) {
	if err := cognito.Validate(o.name, tree); err != nil {
		return nil, err
	}
	return o.call(ctx, api, tree)
}

// Invoke validates a decoded input, calls the operation and returns the SDK's
// output, a pointer. It fails as cognito.Validate and the API do, and with
// UnknownOperationException for what is not served. It authenticates nobody:
// the caller of Invoke has, where the operation needs it.
func Invoke(ctx context.Context, api cognito.API, operation string, tree map[string]any) (any, error) {
	o, ok := operations[operation]
	if !ok || o.call == nil {
		return nil, noOperation(fmt.Sprintf("The operation %.64q is not served.", operation))
	}
	return o.run(ctx, api, tree)
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
