package contract

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cognito"
)

// Refusals that say nothing of the request (docs/cognito.md#messages).
const (
	rateExceeded = throttled + ": Rate exceeded"
	internal     = cognito.CodeInternal
)

// everyOperation calls all operations at once. The pools take turns: a broker notes only so
// many changes of one while their outcome is not known.
func everyOperation(s *scene, pools []string, do func(operation string, input func() any)) {
	unknown := s.unknown()
	inputs := make([]map[string]func() any, len(pools))
	for n, pool := range pools {
		inputs[n] = s.inputs(pool, unknown)
	}
	var all sync.WaitGroup
	for n, operation := range slices.Sorted(maps.Keys(inputs[0])) {
		all.Go(func() { do(operation, inputs[n%len(pools)][operation]) })
	}
	all.Wait()
}

// throttling tests docs/cognito.md#quotas: each operation has a quota of its own.
func throttling(s *scene) {
	everyOperation(s, []string{s.unknown()}, func(operation string, input func() any) {
		var err error
		for range 2 {
			if _, err = s.call(s.Limited, operation, input()); err != nil && spell(err) == rateExceeded {
				s.note(operation, err)
				return
			}
		}
		s.Errorf("%s: got %v, want %s", operation, err, rateExceeded)
	})
}

// brokenStore has the store fail beneath each operation. That is a fault of the
// service, and no refusal; what is answered from memory goes on.
func brokenStore(s *scene) {
	everyOperation(s, []string{s.Pools.Open, s.Pools.Closed, s.Pools.Bare}, func(operation string, input func() any) {
		if operation == "DeleteIdentities" {
			return // see below
		}
		_, err := s.call(s.Broken, operation, input())
		if err != nil {
			err = named(err)
			s.note(operation, err)
		}
		switch fromMemory := causeless(operation, internal); {
		case fromMemory && err != nil:
			s.Errorf("%s, from memory: got %v, want an answer", operation, err)
		case !fromMemory && (err == nil || spell(err) != internal+": Internal error."):
			s.Errorf("%s: got %v, want %s", operation, err, internal)
		}
	})
	brokenDelete(s, s.unknown())
}

// brokenDelete is the operation whose parts fail alone, unless it is the whole
// that fails: a broker asks first whose identities they are.
func brokenDelete(s *scene, id string) {
	s.Helper()
	out, err := s.Broken.DeleteIdentities(s.Context(),
		&cognitoidentity.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id}})
	if err != nil {
		s.equal("DeleteIdentities", spell(named(err)), internal+": Internal error.")
		return
	}
	s.equal("DeleteIdentities", spellJSON(s, out.UnprocessedIdentityIds),
		spellJSON(s, []types.UnprocessedIdentityId{{IdentityId: aws.String(id),
			ErrorCode: types.ErrorCodeInternalServerError}}))
}

// named is what a fault is called. An engine in process leaves that to its caller,
// a service behind a client does not.
func named(err error) error {
	if _, remote := errors.AsType[*smithy.OperationError](err); remote {
		return err
	}
	return cognito.Public(err)
}

// providerDown has a login provider that cannot be asked: that says nothing of the
// login.
func providerDown(s *scene) {
	arn := "arn:aws:iam::" + s.Account + ":oidc-provider/" + s.Down.Name()
	pool := s.pool(func(in *createInput) {
		in.OpenIdConnectProviderARNs = append(in.OpenIdConnectProviderARNs, arn)
		in.DeveloperProviderName = aws.String(DeveloperProvider)
	})
	alice := s.someone()
	id := s.identity(pool, s.login(alice))
	at := map[string]string{s.Down.Name(): s.Down.Token(nil)}
	s.refused("GetId", s.id(pool, at), external)
	s.refused("GetCredentialsForIdentity", s.credentials(id, at), external)
	_, _, refusal := s.openIDToken(id, at)
	s.refused("GetOpenIdToken", refusal, external)
	s.refused("UnlinkIdentity", s.unlink(id, at, s.Providers[0].Name()), external)
	backend, _ := s.developer(func(in *developerInput) { in.IdentityPoolId, in.Logins = &pool, with(user(alice), at) })
	s.refused("a backend", backend, external)
	s.refused("beside a good login", s.credentials(id, with(at, s.login(alice))), external)
	s.equal("the good login alone", s.credentials(id, s.login(alice)), id+" as "+Authenticated)
}
