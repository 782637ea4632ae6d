package httpapi

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/callers"
)

// route is one REST route.
type route struct {
	method, path string
	op           string // in metrics and logs
	// operation is the one of the service whose callers the route is for; empty:
	// apps.
	operation string
	scope     callers.Scope // in place of operation, for what is the broker's own
	bodyless  bool          // takes no body
	query     bool          // looks at the query: reads it without a body, refuses one beside it
	handle    handler
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

// restRoutes are the routes of the REST API: those that are called most come first.
func (s *Server) restRoutes() []route {
	routes := slices.Concat(s.appRoutes(), s.developerRoutes(), s.poolRoutes(), s.identityRoutes())
	routes = append(routes, route{
		method: fiber.MethodPost, path: poolPath + "/explain", op: "RestExplain", scope: callers.Explain, handle: s.explain,
	})
	if s.Issuer != nil {
		routes = append(routes, route{
			method: fiber.MethodPost, path: "/v1/signing-keys/rotate", op: "RestRotateSigningKey",
			scope: callers.Admin, bodyless: true, handle: s.rotate,
		})
	}
	return routes
}

const poolPath = "/v1/pools/:pool"

func (s *Server) appRoutes() []route {
	app := func(path, op string, h handler) route {
		return route{method: fiber.MethodPost, path: poolPath + path, op: op, handle: h}
	}
	return []route{
		app("/credentials", opGrant, s.credentials),
		app("/identities", opIdentity, s.identity),
		app("/token", "RestToken", s.token),
		app("/logins/link", "RestLink", s.link),
		app("/logins/unlink", "RestUnlink", s.unlink),
	}
}

func (s *Server) developerRoutes() []route {
	backend := func(path, op, operation string, h handler) route {
		return route{method: fiber.MethodPost, path: poolPath + "/developer" + path, op: op, operation: operation, handle: h}
	}
	const token = "GetOpenIdTokenForDeveloperIdentity"
	return []route{
		backend("/token", "RestDeveloperToken", token, s.developerToken),
		backend("/credentials", "RestDeveloperCredentials", token, s.developerCredentials),
		backend("/lookup", "RestDeveloperLookup", "LookupDeveloperIdentity",
			adapter[cognitoidentity.LookupDeveloperIdentityInput](s, withOutput("userIdentifiers"))),
		backend("/merge", "RestDeveloperMerge", "MergeDeveloperIdentities", s.developerMerge),
		backend("/unlink", "RestDeveloperUnlink", "UnlinkDeveloperIdentity", s.developerUnlink),
	}
}

// Route is a REST route, as it is told to others.
type Route struct {
	Method, Path string // a part of the path that begins with a colon stands for any
	ForCallers   bool   // else for apps
}

// Routes are the routes of the REST API.
func (s *Server) Routes() []Route {
	var all []Route
	for _, r := range s.restRoutes() {
		all = append(all, Route{Method: r.method, Path: r.path, ForCallers: r.forCallers()})
	}
	return all
}
