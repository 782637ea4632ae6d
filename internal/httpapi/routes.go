package httpapi

import (
	"reflect"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

// route is one REST route: a row of the table.
type route struct {
	method, path string
	op           string // in metrics and logs
	endpoint
	scope    callers.Scope    // in place of endpoint.operation, for what is the broker's own
	bodyless bool             // takes no body
	query    bool             // looks at the query: reads it without a body, refuses one beside it
	before   func(call) error // checks what does not depend on the input, before it is read; nil: nothing
}

func (r *route) forCallers() bool { return r.operation != "" || r.scope != "" }

func (r *route) audience() audience {
	if r.forCallers() {
		return forCallers
	}
	return forApps
}

// mount puts the REST routes on Fiber, which looks at those of a method in the
// order in which they came.
func (s *Server) mount() {
	routes := s.restRoutes()
	s.appRoute = map[string]bool{}
	for _, r := range routes {
		s.appRoute[r.method+" "+r.path] = r.audience() == forApps
		h := s.guarded(s.rest(r))
		if r.method == fiber.MethodGet {
			s.app.Get(r.path, h) // and HEAD
		} else {
			s.app.Add(r.method, r.path, h)
		}
	}
	s.mountPreflights(routes)
}

const poolPath = "/v1/pools/:pool"

// restRoutes are the routes of the REST API: those that are called most come first.
func (s *Server) restRoutes() []route {
	routes := slices.Concat(s.appRoutes(), s.developerRoutes(), s.poolRoutes(), s.identityRoutes())
	explain := own(s.explain, "DescribeIdentityPool")
	explain.refusals = []string{codeNotImplemented, codeExternal}
	routes = append(routes, route{
		method: fiber.MethodPost, path: poolPath + "/explain", op: "RestExplain", scope: callers.Explain,
		before: s.explains, endpoint: explain,
	})
	signOut := own(s.signOut, "DescribeIdentityPool")
	signOut.refusals = []string{codeNotImplemented}
	routes = append(routes, route{
		method: fiber.MethodPost, path: poolPath + "/logins/invalidate", op: "RestInvalidateLogin", scope: callers.Admin,
		before: s.takesSignOuts, endpoint: signOut,
	})
	if s.Issuer != nil {
		routes = append(routes, route{
			method: fiber.MethodPost, path: "/v1/signing-keys/rotate", op: "RestRotateSigningKey",
			scope: callers.Admin, bodyless: true, endpoint: own(s.rotate),
		})
	}
	return routes
}

func (s *Server) appRoutes() []route {
	app := func(path, op string, e endpoint) route {
		return route{method: fiber.MethodPost, path: poolPath + path, op: op, endpoint: e}
	}
	const get, token = "GetCredentialsForIdentity", "GetOpenIdToken"
	return []route{
		app("/credentials", opGrant, own(s.credentials, "GetId", get, token, assumeRole)),
		app("/identities", opIdentity, own(s.identity, "GetId")),
		app("/token", "RestToken", own(s.token, token)),
		app("/logins/link", "RestLink", own(s.link, get, token)),
		app("/logins/unlink", "RestUnlink", own(s.unlink, "UnlinkIdentity")),
	}
}

func (s *Server) developerRoutes() []route {
	backend := func(path, op, operation string, e endpoint) route {
		e.operation = operation
		return route{method: fiber.MethodPost, path: poolPath + "/developer" + path, op: op, endpoint: e}
	}
	const (
		token, credentials    = "GetOpenIdTokenForDeveloperIdentity", "GetCredentialsForIdentity"
		lookup, merge, unlink = "LookupDeveloperIdentity", "MergeDeveloperIdentities", "UnlinkDeveloperIdentity"
	)
	return []route{
		backend("/token", "RestDeveloperToken", token, own(s.developerToken, token)),
		backend("/credentials", "RestDeveloperCredentials", token, own(s.developerCredentials, token, credentials)),
		backend("/lookup", "RestDeveloperLookup", lookup, adapt(s, cognito.API.LookupDeveloperIdentity,
			adapterOptions{operation: lookup, lists: []string{"DeveloperUserIdentifierList"}})),
		backend("/merge", "RestDeveloperMerge", merge, handled(s, adapterOptions{
			operation: merge, provider: true, members: []string{"sourceUserIdentifier", "destinationUserIdentifier"},
		}, s.developerMerge)),
		backend("/unlink", "RestDeveloperUnlink", unlink, handled(s, adapterOptions{
			operation: unlink, provider: true, silent: true, members: []string{"identityId", "userIdentifier"},
		}, s.developerUnlink)),
	}
}

// admin is a route for administrators that is an operation of the service. Those
// that read or delete take a query in place of a body.
func admin(method, path, op string, e endpoint) route {
	return route{
		method: method, path: path, op: op, endpoint: e, query: true,
		bodyless: method == fiber.MethodGet || method == fiber.MethodDelete,
	}
}

// poolRoutes are those of pools and of what belongs to one.
func (s *Server) poolRoutes() []route {
	const (
		get, post, put, remove = fiber.MethodGet, fiber.MethodPost, fiber.MethodPut, fiber.MethodDelete

		pools, roles, tags = "/v1/pools", poolPath + "/roles", poolPath + "/tags"
		principalTags      = poolPath + "/principal-tags/:provider"
	)
	plain := func(operation string) adapterOptions { return adapterOptions{operation: operation} }
	silent := func(operation string) adapterOptions { return adapterOptions{operation: operation, silent: true} }
	return []route{
		admin(get, pools, "RestListPools", adapt(s, cognito.API.ListIdentityPools,
			adapterOptions{operation: "ListIdentityPools", lists: []string{"IdentityPools"}})),
		admin(post, pools, "RestCreatePool", adapt(s, cognito.API.CreateIdentityPool,
			adapterOptions{operation: "CreateIdentityPool", made: "IdentityPoolId"})),
		admin(get, poolPath, "RestDescribePool", adapt(s, cognito.API.DescribeIdentityPool, plain("DescribeIdentityPool"))),
		admin(put, poolPath, "RestUpdatePool", adapt(s, cognito.API.UpdateIdentityPool, plain("UpdateIdentityPool"))),
		admin(remove, poolPath, "RestDeletePool", adapt(s, cognito.API.DeleteIdentityPool, silent("DeleteIdentityPool"))),
		// A pool without roles has them as an empty object, so that PUT takes the answer back.
		admin(get, roles, "RestGetRoles", adapt(s, cognito.API.GetIdentityPoolRoles,
			adapterOptions{operation: "GetIdentityPoolRoles", lists: []string{"Roles"}})),
		admin(put, roles, "RestSetRoles", adapt(s, cognito.API.SetIdentityPoolRoles, silent("SetIdentityPoolRoles"))),
		admin(get, tags, "RestListTags", adapt(s, cognito.API.ListTagsForResource, plain("ListTagsForResource"))),
		admin(post, tags, "RestTag", adapt(s, cognito.API.TagResource, silent("TagResource"))),
		admin(remove, tags, "RestUntag", adapt(s, cognito.API.UntagResource, silent("UntagResource"))),
		admin(get, principalTags, "RestGetPrincipalTags",
			adapt(s, cognito.API.GetPrincipalTagAttributeMap, plain("GetPrincipalTagAttributeMap"))),
		admin(put, principalTags, "RestSetPrincipalTags",
			adapt(s, cognito.API.SetPrincipalTagAttributeMap, plain("SetPrincipalTagAttributeMap"))),
	}
}

// identityRoutes are those of a pool's identities.
func (s *Server) identityRoutes() []route {
	const (
		get, post, remove = fiber.MethodGet, fiber.MethodPost, fiber.MethodDelete
		identities        = poolPath + "/identities"
	)
	describe := admin(get, identities+"/:identity", "RestDescribeIdentity", adapt(s, cognito.API.DescribeIdentity,
		adapterOptions{operation: "DescribeIdentity", lists: []string{"Logins"}}))
	one := admin(remove, identities+"/:identity", "RestDeleteIdentity",
		handled(s, adapterOptions{operation: "DescribeIdentity", silent: true}, s.deleteIdentity))
	one.operation, one.calls = "DeleteIdentities", []string{"DescribeIdentity", "DeleteIdentities"}
	describe.before, one.before = s.pathPlace, s.pathPlace
	purge := admin(post, identities+"/:identity/purge", "RestPurge", handled(s, adapterOptions{silent: true}, s.purge))
	purge.scope, purge.bodyless, purge.calls = callers.Admin, true, nil
	purge.refusals = []string{codeNotFound}
	several := admin(post, identities+"/delete", "RestDeleteIdentities", handled(s,
		adapterOptions{operation: "DeleteIdentities", lists: []string{"UnprocessedIdentityIds"}}, s.deleteIdentities))
	several.calls = []string{"DescribeIdentityPool", "DeleteIdentities"}
	return []route{
		admin(get, identities, "RestListIdentities", adapt(s, cognito.API.ListIdentities,
			adapterOptions{operation: "ListIdentities", lists: []string{"Identities"}})),
		several, describe, one, purge,
	}
}

// Route is a REST route, as it is told to others.
type Route struct {
	Method, Path string // a part of the path that begins with a colon stands for any
	ForCallers   bool   // else for apps
	// Operation is the one of the service whose callers the route is for; Scope, without
	// one, is what a caller needs. Both are empty for apps.
	Operation string
	Scope     callers.Scope
	// Input is the structure of the body, or of the query of GET and DELETE, and Members are
	// the names of those of its members that a request may have. Answer is the structure of
	// a success; nil: none. Structures are the SDK's, or have JSON tags.
	Input   reflect.Type
	Members []string
	Answer  reflect.Type
	Status  int // of a success
	// Errors are the codes of refusals, in order, beside those of all routes and of all
	// routes for callers.
	Errors []string
}

// Routes are the routes of the REST API.
func (s *Server) Routes() []Route {
	var all []Route
	for _, r := range s.restRoutes() {
		all = append(all, Route{
			Method: r.method, Path: r.path, ForCallers: r.forCallers(), Operation: r.operation, Scope: r.scope,
			Input: r.input, Members: r.members, Answer: r.answer, Status: r.status, Errors: r.errors(),
		})
	}
	return all
}
