package awswire

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// passRoles refuses a call that gives a pool a role which ctx's caller may not
// pass, as iam:PassRole does: each role that the call names, also one that the
// pool has already. The first one refused is named, in one order for the same
// input. It looks at nothing but the input, so nothing was changed before it.
//
// A role mapping of type Token names none: tokens of its provider do, any role of
// the account. So it takes the right to pass every one.
func passRoles(ctx context.Context, input any) error {
	in, ok := input.(*cognitoidentity.SetIdentityPoolRolesInput)
	if !ok {
		return nil // no other input gives a pool a role
	}
	who, _ := callers.From(ctx)
	for _, name := range slices.Sorted(maps.Keys(in.Roles)) {
		if err := passRole(who, in.Roles[name]); err != nil {
			return err
		}
	}
	for _, provider := range slices.Sorted(maps.Keys(in.RoleMappings)) {
		if err := passMapped(who, in.RoleMappings[provider]); err != nil {
			return err
		}
	}
	return nil
}

// everyRole stands for all roles of the caller's account, in a refusal.
const everyRole = ""

// passMapped looks at the rules of a mapping whatever its type is.
func passMapped(who *callers.Caller, m types.RoleMapping) error {
	if m.RulesConfiguration != nil {
		for _, rule := range m.RulesConfiguration.Rules {
			if err := passRole(who, aws.ToString(rule.RoleARN)); err != nil {
				return err
			}
		}
	}
	if m.Type == types.RoleMappingTypeRules || who.MayPassEvery() {
		return nil
	}
	return notPassed(who, everyRole)
}

func passRole(who *callers.Caller, role string) error {
	if who.MayPass(role) {
		return nil
	}
	return notPassed(who, role)
}

// notPassed words the refusal as IAM does.
func notPassed(who *callers.Caller, role string) error {
	if who == nil {
		return refusal(codeNoAuthentication, msgNoAuthentication)
	}
	if role == everyRole {
		role = "arn:aws:iam::" + who.Account() + ":role/*"
	}
	return refusal(cognito.CodeAccessDenied, fmt.Sprintf(
		"User: %s is not authorized to perform: iam:PassRole on resource: %s"+
			" because no identity-based policy allows the iam:PassRole action",
		who.ARN(), role))
}
