package model

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Caller makes the model's calls on an API.
type Caller struct {
	API       cognito.API
	Token     func(Login) string
	Developer string // the name of all pools' developer provider
	Page      int32  // of lists; 1 to 60
}

// Call makes one call. An error says that there was no answer of the service, so
// that nobody knows whether the call had an effect.
func (c Caller) Call(ctx context.Context, op Op) (Answer, error) {
	a, err := c.call(ctx, op)
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return Answer{Code: refusal.ErrorCode(), Message: refusal.ErrorMessage()}, nil
	}
	slices.Sort(a.List)
	return a, err
}

func (c Caller) call(ctx context.Context, op Op) (Answer, error) {
	switch op.Name {
	case "GetId", "GetCredentialsForIdentity", "GetOpenIdToken", "UnlinkIdentity":
		return c.app(ctx, op)
	case "GetOpenIdTokenForDeveloperIdentity", "MergeDeveloperIdentities", "UnlinkDeveloperIdentity":
		return c.backend(ctx, op)
	case "DeleteIdentities":
		return c.delete(ctx, op)
	case "DescribeIdentity":
		return c.describe(ctx, op)
	case "ListIdentities":
		return c.list(ctx, op)
	case "LookupDeveloperIdentity":
		return c.lookup(ctx, op)
	}
	panic("nobody calls " + op.Name)
}

// app makes the calls that need no signature.
func (c Caller) app(ctx context.Context, op Op) (a Answer, err error) {
	id, logins := &op.Identity, c.logins(op)
	switch op.Name {
	case "GetId":
		out, err := c.API.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: &op.Pool, Logins: logins})
		if err != nil {
			return a, err
		}
		a.Identity = *out.IdentityId
	case "GetCredentialsForIdentity":
		out, err := c.API.GetCredentialsForIdentity(ctx,
			&cognitoidentity.GetCredentialsForIdentityInput{IdentityId: id, Logins: logins})
		if err != nil {
			return a, err
		}
		a.Identity = *out.IdentityId
	case "GetOpenIdToken":
		out, err := c.API.GetOpenIdToken(ctx, &cognitoidentity.GetOpenIdTokenInput{IdentityId: id, Logins: logins})
		if err != nil {
			return a, err
		}
		a.Identity = *out.IdentityId
	case "UnlinkIdentity":
		remove := append([]string{}, op.Remove...) // required, if empty
		_, err = c.API.UnlinkIdentity(ctx,
			&cognitoidentity.UnlinkIdentityInput{IdentityId: id, Logins: logins, LoginsToRemove: remove})
	}
	return a, err
}

// backend makes the calls that change a developer's users.
func (c Caller) backend(ctx context.Context, op Op) (a Answer, err error) {
	switch op.Name {
	case "GetOpenIdTokenForDeveloperIdentity":
		out, err := c.API.GetOpenIdTokenForDeveloperIdentity(ctx, &cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: &op.Pool, IdentityId: optional(op.Identity), Logins: c.logins(op),
		})
		if err != nil {
			return a, err
		}
		a.Identity = *out.IdentityId
	case "MergeDeveloperIdentities":
		out, err := c.API.MergeDeveloperIdentities(ctx, &cognitoidentity.MergeDeveloperIdentitiesInput{
			IdentityPoolId: &op.Pool, DeveloperProviderName: &c.Developer, SourceUserIdentifier: &op.User,
			DestinationUserIdentifier: &op.Into,
		})
		if err != nil {
			return a, err
		}
		a.Identity = *out.IdentityId
	case "UnlinkDeveloperIdentity":
		_, err = c.API.UnlinkDeveloperIdentity(ctx, &cognitoidentity.UnlinkDeveloperIdentityInput{
			IdentityId: &op.Identity, IdentityPoolId: &op.Pool, DeveloperProviderName: &c.Developer,
			DeveloperUserIdentifier: &op.User,
		})
	}
	return a, err
}

func (c Caller) describe(ctx context.Context, op Op) (Answer, error) {
	out, err := c.API.DescribeIdentity(ctx, &cognitoidentity.DescribeIdentityInput{IdentityId: &op.Identity})
	if err != nil {
		return Answer{}, err
	}
	return Answer{Identity: *out.IdentityId, List: out.Logins}, nil
}

func (c Caller) delete(ctx context.Context, op Op) (Answer, error) {
	out, err := c.API.DeleteIdentities(ctx,
		&cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: []string{op.Identity}})
	if err != nil {
		return Answer{}, err
	}
	var left []string
	for _, u := range out.UnprocessedIdentityIds {
		left = append(left, string(u.ErrorCode))
	}
	return Answer{List: left}, nil
}

// list and lookup walk all pages.
func (c Caller) list(ctx context.Context, op Op) (a Answer, err error) {
	in := &cognitoidentity.ListIdentitiesInput{IdentityPoolId: &op.Pool, HideDisabled: op.Hide, MaxResults: &c.Page}
	for {
		out, err := c.API.ListIdentities(ctx, in)
		if err != nil {
			return Answer{}, err
		}
		for _, i := range out.Identities {
			a.List = append(a.List, Entry(*i.IdentityId, slices.Sorted(slices.Values(i.Logins))))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return a, nil
		}
	}
}

func (c Caller) lookup(ctx context.Context, op Op) (a Answer, err error) {
	in := &cognitoidentity.LookupDeveloperIdentityInput{
		IdentityPoolId: &op.Pool, IdentityId: optional(op.Identity), DeveloperUserIdentifier: optional(op.User),
		MaxResults: &c.Page,
	}
	for {
		out, err := c.API.LookupDeveloperIdentity(ctx, in)
		if err != nil {
			return Answer{}, err
		}
		a.Identity, a.List = *out.IdentityId, append(a.List, out.DeveloperUserIdentifierList...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return a, nil
		}
	}
}

// logins are tokens by provider. A developer's user is his own token.
func (c Caller) logins(op Op) map[string]string {
	logins := map[string]string{}
	for n, l := range op.Logins {
		logins[l.Provider] = c.Token(l)
		if n == 0 && op.Bad {
			logins[l.Provider] = "no token"
		}
	}
	if op.User != "" {
		logins[c.Developer] = op.User
	}
	return logins
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
