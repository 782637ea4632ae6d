// Package contract is what a cognito.API owes its callers, as one suite that
// every backend passes: the engine in process, the engine through an SDK's
// client, a broker before a broker. It is imported by tests only.
//
// It knows nothing of the backend but its two ports. What it expects stands in
// docs/cognito.md, whose sections its tests name; where the service's own words are
// not known, only the type of an error is compared.
package contract

import (
	"context"
	"reflect"
	"sync"
	"testing"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
)

// DeveloperProvider is the developer provider's name of the pools Open and
// Closed.
const DeveloperProvider = "login.example"

// Names of the roles that the pools Open and Closed hand out, in the account of
// the Env.
const (
	Authenticated   = "auth"
	Unauthenticated = "unauth"
)

// Env is one backend and what the suite needs of the world around it. Fields
// without a remark are required.
type Env struct {
	API cognito.API // called as an administrator and developer of all pools
	STS sts.API     // takes the backend's tokens
	// Limited and Broken are like API, with the same pools prepared: one takes a
	// call of each operation a quarter of an hour, the other has lost its store
	// since it started.
	Limited, Broken cognito.API
	// Pools are there before the suite begins. It makes others by itself.
	Pools Pools
	// Providers are login providers of the backend, for the client
	// idptest.ClientID.
	Providers [2]*idptest.Issuer
	Down      *idptest.Issuer // a login provider that nobody reaches
	Account   string          // 12 digits
	Region    string          // of all pools, prepared and made
	Issuer    string          // iss of the backend's tokens; no login provider
	// VerifyToken verifies a token of the backend with a verifier of another
	// house, fed by the keys that the backend publishes, and returns its claims
	// as encoding/json reads them.
	VerifyToken func(ctx context.Context, token string) (map[string]any, error)
	// WhoAmI returns the ARN of the session whose credentials it is given. Nil:
	// credentials are judged by their form alone.
	WhoAmI func(ctx context.Context, accessKey, secret, session string) (string, error)
}

// Pools are the ids of prepared pools. Each lists both providers.
type Pools struct {
	// Open takes guests, leaves AllowClassicFlow unset, names DeveloperProvider
	// and hands out the roles Authenticated and Unauthenticated.
	Open string
	// Closed is as Open, but takes no guests and has AllowClassicFlow false.
	Closed string
	// Bare takes guests and has neither roles nor a developer provider.
	Bare string
}

// Run judges a backend. Its users and pools are new with each run, so a backend
// may be judged more than once.
func Run(t *testing.T, e Env) {
	s := &suite{Env: e, answered: map[string]bool{}, refusals: map[string]map[string]bool{}}
	for _, part := range []struct {
		name string
		run  func(*scene)
	}{
		{"Validation/bounds", bounds},
		{"Validation/ids", ids},
		{"Validation/messages", messages},
		{"GetId/identities", getID},
		{"GetId/logins", severalLogins},
		{"GetId/tokens", loginTokens},
		{"GetId/providers", foreignProviders},
		{"GetCredentialsForIdentity/rows", credentialRows},
		{"GetCredentialsForIdentity/roles", credentialRoles},
		{"GetCredentialsForIdentity/pass-through", passThrough},
		{"GetCredentialsForIdentity/pass-through after changes", passThroughAfterChanges},
		{"GetOpenIdToken/rows", tokenRows},
		{"GetOpenIdToken/classic", classicRefusals},
		{"GetOpenIdToken/claims", tokenClaims},
		{"Developer/table", developerTable},
		{"Developer/refusals", developerRefusals},
		{"Developer/tokens", developerTokens},
		{"UnlinkIdentity/proof", unlinkProof},
		{"UnlinkIdentity/consequences", unlinkConsequences},
		{"DescribeIdentity", describeIdentity},
		{"ListIdentities", listIdentities},
		{"DeleteIdentities", deleteIdentities},
		{"LookupDeveloperIdentity", lookupDevelopers},
		{"MergeDeveloperIdentities", mergeDevelopers},
		{"UnlinkDeveloperIdentity", unlinkDevelopers},
		{"Tags/resources", resourceTags},
		{"Tags/updates", updatedTags},
		{"Tags/principals", principalTagMaps},
		{"Pools/create", createPools},
		{"Pools/refusals", refusedPools},
		{"Pools/update", updatePools},
		{"Pools/delete", deletePools},
		{"Pools/list", listPools},
		{"Roles/set", setRoles},
		{"Roles/former", formerMappings},
		{"Roles/refusals", refusedRoles},
		{"Roles/mappings", roleMappings},
		{"STS/roles", assumedRoles},
		{"STS/tokens", assumedTokens},
		{"STS/after changes", assumedAfterChanges},
		{"STS/bounds", assumedBounds},
		{"Faults/throttling", throttling},
		{"Faults/store", brokenStore},
		{"Faults/login providers", providerDown},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(&scene{T: t, suite: s}) })
	}
	t.Run("every operation", s.complete)
	t.Run("every error", s.exhaustive)
}

// suite is one run.
type suite struct {
	Env
	answered map[string]bool // operations that succeeded at least once

	mu       sync.Mutex
	refusals map[string]map[string]bool // by operation, the names of errors
}

// complete fails where an operation of the port was never seen to succeed, so
// that one which is added later cannot be forgotten here.
func (s *suite) complete(t *testing.T) {
	port := reflect.TypeFor[cognito.API]()
	for i := range port.NumMethod() {
		if name := port.Method(i).Name; !s.answered[name] {
			t.Errorf("%s: got no success in the whole run, want a test of it", name)
		}
	}
}
