package httpapi

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/cognito"
)

// endpoint is what answers a route, with the types of its input and answer.
type endpoint struct {
	operation string       // of the service, whose callers the route is for; empty: none
	calls     []string     // the operations of the service that may be called
	refusals  []string     // codes of refusals beside those of calls
	input     reflect.Type // of the SDK, or a structure with JSON tags
	members   []string     // names of the members that a request may have
	answer    reflect.Type // of the SDK, or a structure with JSON tags; nil: an empty 204
	status    int          // of success
	// serve reads the input, calls the typed handler and encodes its answer.
	serve func(call, received) (reply, error)
}

// received is the input of a request before it has a type: JSON that was decoded strictly.
type received struct {
	bodyless bool // the route takes no body, but maybe a query
	body     map[string]any
	query    url.Values
}

// members are those of the body, or of the query where the route takes no body; a route
// with a body takes no query.
func (r received) members(t reflect.Type) (map[string]any, error) {
	if r.bodyless {
		if err := only(r.body); err != nil {
			return nil, err
		}
		return fromQuery(t, r.query)
	}
	if len(r.query) > 0 {
		return nil, cognito.Serialization("The route takes no query.")
	}
	return r.body, nil
}

// none is an input without members, or the answer of a route that answers with 204.
type none struct{}

// own serves a route of the broker's own: In is a structure with JSON tags, whose members
// are all that a body may have; so is Out.
func own[In, Out any](handle func(call, *In) (*Out, error), calls ...string) endpoint {
	known := fieldsOf(reflect.TypeFor[In]())
	e := endpoint{
		calls: calls, input: reflect.TypeFor[In](), members: known.names,
		answer: reflect.TypeFor[Out](), status: fiber.StatusOK,
		serve: func(r call, got received) (reply, error) {
			in := new(In)
			if err := known.decode(r, got.body, in); err != nil {
				return reply{}, err
			}
			out, err := handle(r, in)
			if err != nil {
				return reply{}, err
			}
			return encoded(out)
		},
	}
	if e.answer == reflect.TypeFor[none]() {
		e.answer, e.status = nil, fiber.StatusNoContent
	}
	return e
}

// fields are the members of a structure with JSON tags, in their order.
type fields struct {
	names   []string
	indices []int
}

func fieldsOf(t reflect.Type) fields {
	var f fields
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		f.names, f.indices = append(f.names, name), append(f.indices, i)
	}
	return f
}

// member is a member that reads itself: v is what JSON has, nil where it was left out. An
// error refuses the request before the service's constraints are looked at.
type member interface{ read(v any) error }

// constrained is an input that has to keep constraints of the service's model.
type constrained interface {
	constraints(pool string, given map[string]any) []constraint
}

// constraint is an input of an operation, under the model's names, which has to be valid.
type constraint struct {
	operation string
	input     map[string]any
}

// decode reads a body into a structure: it refuses unknown members, then what members
// that read themselves refuse, then what breaks the model's constraints.
func (f fields) decode(r call, body map[string]any, into any) error {
	if err := only(body, f.names...); err != nil {
		return err
	}
	v := reflect.ValueOf(into).Elem()
	for n, i := range f.indices {
		if m, ok := v.Field(i).Addr().Interface().(member); ok {
			if err := m.read(body[f.names[n]]); err != nil {
				return err
			}
		}
	}
	if in, ok := into.(constrained); ok {
		for _, c := range in.constraints(r.pool, body) {
			if err := cognito.Validate(c.operation, members(c.input)); err != nil {
				return err
			}
		}
	}
	for n, i := range f.indices {
		if !assign(v.Field(i), body[f.names[n]]) {
			return cognito.Serialization(fmt.Sprintf("%s is not of the type that the route takes.", f.names[n]))
		}
	}
	return nil
}

// assign sets a field whose constraints were checked. It reports whether the value fits.
func assign(v reflect.Value, x any) bool {
	if _, ok := v.Addr().Interface().(member); ok || x == nil {
		return true // it read itself, or was left out
	}
	switch into := v.Addr().Interface().(type) {
	case *string:
		text, ok := x.(string)
		*into = text
		return ok
	case *map[string]string:
		tree, ok := x.(map[string]any)
		*into = texts(tree)
		return ok && len(*into) == len(tree)
	case *[]string:
		list, ok := x.([]any)
		for _, e := range list {
			text, fits := e.(string)
			*into, ok = append(*into, text), ok && fits
		}
		return ok
	}
	return false
}
