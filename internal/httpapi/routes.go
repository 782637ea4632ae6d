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

// handlers serve the REST routes. Each takes what the request names and its typed input, and
// gives a typed answer or an error; none of them sees HTTP. They are safe for concurrent use.
type handlers struct{ *Config }

// mount puts the REST routes on Fiber, which looks at those of a method in the
// order in which they came.
func (s *Server) mount() {
	routes := s.handlers.restRoutes()
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
func (h *handlers) restRoutes() []route {
	routes := slices.Concat(h.appRoutes(), h.developerRoutes(), h.poolRoutes(), h.identityRoutes())
	explain := own(h.explain, "DescribeIdentityPool")
	explain.refusals = []string{codeNotImplemented, codeExternal}
	routes = append(routes, route{
		method: fiber.MethodPost, path: poolPath + "/explain", op: "RestExplain", scope: callers.Explain,
		before: h.explains, endpoint: explain,
	})
	signOut := own(h.signOut, "DescribeIdentityPool")
	signOut.refusals = []string{codeNotImplemented}
	routes = append(routes, route{
		method: fiber.MethodPost, path: poolPath + "/logins/invalidate", op: "RestInvalidateLogin", scope: callers.Admin,
		before: h.takesSignOuts, endpoint: signOut,
	})
	if h.Issuer != nil {
		routes = append(routes, route{
			method: fiber.MethodPost, path: "/v1/signing-keys/rotate", op: "RestRotateSigningKey",
			scope: callers.Admin, bodyless: true, endpoint: own(h.rotate),
		})
	}
	return routes
}

func (h *handlers) appRoutes() []route {
	app := func(path, op string, e endpoint) route {
		return route{method: fiber.MethodPost, path: poolPath + path, op: op, endpoint: e}
	}
	const get, token = "GetCredentialsForIdentity", "GetOpenIdToken"
	return []route{
		app("/credentials", opGrant, own(h.credentials, "GetId", get, token, assumeRole)),
		app("/identities", opIdentity, own(h.identity, "GetId")),
		app("/token", "RestToken", own(h.token, token)),
		app("/logins/link", "RestLink", own(h.link, get, token)),
		app("/logins/unlink", "RestUnlink", own(h.unlink, "UnlinkIdentity")),
	}
}

func (h *handlers) developerRoutes() []route {
	backend := func(path, op, operation string, e endpoint) route {
		e.operation = operation
		return route{method: fiber.MethodPost, path: poolPath + "/developer" + path, op: op, endpoint: e}
	}
	const (
		token, credentials    = "GetOpenIdTokenForDeveloperIdentity", "GetCredentialsForIdentity"
		lookup, merge, unlink = "LookupDeveloperIdentity", "MergeDeveloperIdentities", "UnlinkDeveloperIdentity"
	)
	return []route{
		backend("/token", "RestDeveloperToken", token, own(h.developerToken, token)),
		backend("/credentials", "RestDeveloperCredentials", token, own(h.developerCredentials, token, credentials)),
		backend("/lookup", "RestDeveloperLookup", lookup, adapt(h, cognito.API.LookupDeveloperIdentity,
			adapterOptions{operation: lookup, lists: []string{"DeveloperUserIdentifierList"}})),
		backend("/merge", "RestDeveloperMerge", merge, handled(h, adapterOptions{
			operation: merge, provider: true, members: []string{"sourceUserIdentifier", "destinationUserIdentifier"},
		}, h.developerMerge)),
		backend("/unlink", "RestDeveloperUnlink", unlink, handled(h, adapterOptions{
			operation: unlink, provider: true, silent: true, members: []string{"identityId", "userIdentifier"},
		}, h.developerUnlink)),
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
func (h *handlers) poolRoutes() []route {
	const (
		get, post, put, remove = fiber.MethodGet, fiber.MethodPost, fiber.MethodPut, fiber.MethodDelete

		pools, roles, tags = "/v1/pools", poolPath + "/roles", poolPath + "/tags"
		principalTags      = poolPath + "/principal-tags/:provider"
	)
	plain := func(operation string) adapterOptions { return adapterOptions{operation: operation} }
	silent := func(operation string) adapterOptions { return adapterOptions{operation: operation, silent: true} }
	return []route{
		admin(get, pools, "RestListPools", adapt(h, cognito.API.ListIdentityPools,
			adapterOptions{operation: "ListIdentityPools", lists: []string{"IdentityPools"}})),
		admin(post, pools, "RestCreatePool", adapt(h, cognito.API.CreateIdentityPool,
			adapterOptions{operation: "CreateIdentityPool", made: "IdentityPoolId"})),
		admin(get, poolPath, "RestDescribePool", adapt(h, cognito.API.DescribeIdentityPool, plain("DescribeIdentityPool"))),
		admin(put, poolPath, "RestUpdatePool", adapt(h, cognito.API.UpdateIdentityPool, plain("UpdateIdentityPool"))),
		admin(remove, poolPath, "RestDeletePool", adapt(h, cognito.API.DeleteIdentityPool, silent("DeleteIdentityPool"))),
		// A pool without roles has them as an empty object, so that PUT takes the answer back.
		admin(get, roles, "RestGetRoles", adapt(h, cognito.API.GetIdentityPoolRoles,
			adapterOptions{operation: "GetIdentityPoolRoles", lists: []string{"Roles"}})),
		admin(put, roles, "RestSetRoles", adapt(h, cognito.API.SetIdentityPoolRoles, silent("SetIdentityPoolRoles"))),
		admin(get, tags, "RestListTags", adapt(h, cognito.API.ListTagsForResource, plain("ListTagsForResource"))),
		admin(post, tags, "RestTag", adapt(h, cognito.API.TagResource, silent("TagResource"))),
		admin(remove, tags, "RestUntag", adapt(h, cognito.API.UntagResource, silent("UntagResource"))),
		admin(get, principalTags, "RestGetPrincipalTags",
			adapt(h, cognito.API.GetPrincipalTagAttributeMap, plain("GetPrincipalTagAttributeMap"))),
		admin(put, principalTags, "RestSetPrincipalTags",
			adapt(h, cognito.API.SetPrincipalTagAttributeMap, plain("SetPrincipalTagAttributeMap"))),
	}
}

// identityRoutes are those of a pool's identities.
func (h *handlers) identityRoutes() []route {
	const (
		get, post, remove = fiber.MethodGet, fiber.MethodPost, fiber.MethodDelete
		identities        = poolPath + "/identities"
	)
	describe := admin(get, identities+"/:identity", "RestDescribeIdentity", adapt(h, cognito.API.DescribeIdentity,
		adapterOptions{operation: "DescribeIdentity", lists: []string{"Logins"}}))
	one := admin(remove, identities+"/:identity", "RestDeleteIdentity",
		handled(h, adapterOptions{operation: "DescribeIdentity", silent: true}, h.deleteIdentity))
	one.operation, one.calls = "DeleteIdentities", []string{"DescribeIdentity", "DeleteIdentities"}
	describe.before, one.before = h.pathPlace, h.pathPlace
	purge := admin(post, identities+"/:identity/purge", "RestPurge", handled(h, adapterOptions{silent: true}, h.purge))
	purge.scope, purge.bodyless, purge.calls = callers.Admin, true, nil
	purge.refusals = []string{codeNotFound}
	several := admin(post, identities+"/delete", "RestDeleteIdentities", handled(h,
		adapterOptions{operation: "DeleteIdentities", lists: []string{"UnprocessedIdentityIds"}}, h.deleteIdentities))
	several.calls = []string{"DescribeIdentityPool", "DeleteIdentities"}
	return []route{
		admin(get, identities, "RestListIdentities", adapt(h, cognito.API.ListIdentities,
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
	for _, r := range s.handlers.restRoutes() {
		all = append(all, Route{
			Method: r.method, Path: r.path, ForCallers: r.forCallers(), Operation: r.operation, Scope: r.scope,
			Input: r.input, Members: r.members, Answer: r.answer, Status: r.status, Errors: r.errors(),
		})
	}
	return all
}
