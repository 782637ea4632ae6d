package httpapi

import (
	"encoding/json"
	"reflect"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

// inputOf makes the input of an operation, under the model's names, of a call's
// body, or of its query where the route takes no body, and of what its path says.
// A member that the path says already may be repeated, for what a route shows may
// be sent back to it, but not contradicted.
func (s *Server) inputOf(r call, t reflect.Type) (map[string]any, error) {
	if r.pool != "" { // which the operation may see as a part of an ARN only, or not at all
		if err := cognito.Validate("DescribeIdentityPool", map[string]any{"IdentityPoolId": r.pool}); err != nil {
			return nil, err
		}
	}
	given := r.tree
	if r.bodyless {
		if err := only(r.tree); err != nil {
			return nil, err
		}
		var err error
		if given, err = fromQuery(t, r.query); err != nil {
			return nil, err
		}
	} else if len(r.query) > 0 {
		return nil, cognito.Serialization("The route takes no query.")
	}
	tree, err := structToModel(t, given)
	if err != nil {
		return nil, err
	}
	for name, said := range s.pathMembers(r) {
		if _, has := t.FieldByName(name); !has || said == "" {
			continue
		}
		if given, ok := tree[name]; ok && given != any(said) {
			return nil, cognito.InvalidParameter(restName(name) + " is not the one that the path names.")
		}
		tree[name] = said
	}
	return tree, nil
}

// said are the members that a call's path says; empty ones it does not.
func (s *Server) pathMembers(r call) map[string]string {
	members := map[string]string{
		"IdentityPoolId": r.pool, "IdentityId": r.identity, "IdentityProviderName": r.provider,
	}
	if r.pool != "" {
		members["ResourceArn"] = cognito.ARNOfPool(s.AccountID, r.pool)
	}
	return members
}

// adapter is the handler of a route that is its operation under REST's names, whose
// input is an In. finish makes the answer of the output.
func adapter[In any](s *Server, finish func(r call, out any) any) handler {
	return func(r call) (any, error) {
		out, err := invoke[In](s, r)
		if err != nil {
			return nil, err
		}
		return finish(r, out), nil
	}
}

// shown answers with the output; lists are there even where they are empty.
func withOutput(lists ...string) func(call, any) any {
	return func(_ call, out any) any { return show(out, lists...) }
}

// nothing answers with an empty 204.
func withoutOutput(call, any) any { return nil }

// invoke calls the route's operation by what the request says.
func invoke[In any](s *Server, r call) (any, error) {
	t := reflect.TypeFor[In]()
	tree, err := s.inputOf(r, t)
	if err != nil {
		return nil, err
	}
	if _, paged := t.FieldByName("MaxResults"); paged && r.bodyless && tree["MaxResults"] == nil {
		tree["MaxResults"] = json.Number(pageSize)
	}
	return s.invoke(r, r.operation, tree)
}

// pageSize is that of a list whose request names none: the largest.
const pageSize = "60"

// invoke calls the operation behind a route. The path's pool holds for every
// identity of the call.
func (s *Server) invoke(r call, operation string, tree map[string]any) (any, error) {
	r.ask.Pool = r.pool
	return awswire.Invoke(r.ctx, s.Flows, operation, tree)
}

// show is an operation's output under REST's names, with lists that are there even
// where they are empty.
func show(out any, lists ...string) map[string]any {
	shown, _ := fromModel(reflect.ValueOf(out)).(map[string]any)
	for _, name := range lists {
		if shown[name] == nil {
			shown[name] = []any{}
		}
	}
	return shown
}
