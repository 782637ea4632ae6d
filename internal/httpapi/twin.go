package httpapi

import (
	"reflect"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

// inputOf makes the input of an operation, under the model's names, of a call's
// members and of what its path says. A member that the path says already may be
// repeated, for what a route shows may be sent back to it, but not contradicted.
func inputOf[In any](r call) (map[string]any, error) {
	t := reflect.TypeFor[In]()
	tree, err := structToModel(t, r.tree)
	if err != nil {
		return nil, err
	}
	for name, said := range r.said() {
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
func (r call) said() map[string]string {
	return map[string]string{"IdentityPoolId": r.pool}
}

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
