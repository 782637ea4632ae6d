package contract

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/aws/smithy-go"
)

// Causeless are errors that the model lists for operations, and that nothing in
// the engine ends with. docs/fidelity.md says why.
var Causeless = map[string][]string{
	invalid: {
		"DeleteIdentities", "DeleteIdentityPool", "DescribeIdentity", "DescribeIdentityPool", "GetCredentialsForIdentity",
		"GetId",
		"GetIdentityPoolRoles", "GetPrincipalTagAttributeMap",
	},
	notAuthorized: {
		"CreateIdentityPool", "DeleteIdentityPool", "DescribeIdentity", "DescribeIdentityPool", "GetIdentityPoolRoles",
		"GetPrincipalTagAttributeMap", "ListIdentities", "ListIdentityPools", "ListTagsForResource",
		"LookupDeveloperIdentity",
		"MergeDeveloperIdentities", "SetPrincipalTagAttributeMap", "TagResource", "UnlinkDeveloperIdentity", "UntagResource",
		"UpdateIdentityPool",
	},
	conflict:   {"CreateIdentityPool", "GetIdentityPoolRoles", "SetIdentityPoolRoles", "UpdateIdentityPool"},
	notFound:   {"ListIdentityPools"},
	beyond:     {"GetId"},
	concurrent: {"SetIdentityPoolRoles", "UpdateIdentityPool"},
	internal: {
		"DeleteIdentities", "DescribeIdentityPool", "GetIdentityPoolRoles", "GetPrincipalTagAttributeMap",
		"ListIdentityPools", "ListTagsForResource",
	},
}

func causeless(operation, code string) bool { return slices.Contains(Causeless[code], operation) }

// unlisted are errors that the engine has a cause for and the model does not list.
var unlisted = map[string]string{"GetOpenIdTokenForDeveloperIdentity": external}

// note remembers with what an operation was refused.
func (s *suite) note(operation string, err error) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusals[operation] == nil {
		s.refusals[operation] = map[string]bool{}
	}
	s.refusals[operation][api.ErrorCode()] = true
}

// exhaustive fails where the run never met with an error that the model lists,
// unless it has no cause, and where it met with another one.
func (s *suite) exhaustive(t *testing.T) {
	for name, operation := range theModel().Operations {
		for _, code := range operation.Errors {
			switch met := s.refusals[name][code]; {
			case met && causeless(name, code):
				t.Errorf("%s: got %s, want none: it has no cause", name, code)
			case !met && !causeless(name, code):
				t.Errorf("%s: got no %s in the whole run, want a test of it", name, code)
			}
		}
		for _, code := range slices.Sorted(maps.Keys(s.refusals[name])) {
			if code != validation && code != unlisted[name] && !slices.Contains(operation.Errors, code) {
				t.Errorf("%s: got %s, which the model does not list", name, code)
			}
		}
	}
}
