package httpapi

import (
	"encoding/json"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/gofiber/fiber/v2"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

// adapter serves a route that is an operation of the service under REST's names: its
// input and its answer are the SDK's structures In and Out.
type adapter[In, Out any] struct {
	adapterOptions
	handle func(call, *In) (*Out, error)
}

// adapterOptions say where a route differs from the plain operation.
type adapterOptions struct {
	operation string   // whose constraints the input has to keep; empty: it has none
	members   []string // REST's names of the members that a request may have; nil: all of In
	provider  bool     // the pool's developer provider is filled in by the handler
	lists     []string // members of Out, by the model's names, that an answer has even where they are empty
	made      string   // the member of Out that names what was made: 201, with its Location
	silent    bool     // success is an empty 204
}

// adapt serves an operation by the API's method of that name.
func adapt[In, Out any](h *handlers, method awswire.Method[In, Out], options adapterOptions) endpoint {
	return adapter[In, Out]{options, func(r call, in *In) (*Out, error) {
		return invoke(h, r, options.operation, method, in)
	}}.endpoint(h)
}

// handled serves a route by a handler that takes the SDK's input of an operation.
func handled[In, Out any](h *handlers, options adapterOptions, handle func(call, *In) (*Out, error)) endpoint {
	return adapter[In, Out]{options, handle}.endpoint(h)
}

// invoke calls an operation by an input that is known to keep its constraints. All
// identities of the call have to be of the path's pool.
func invoke[In, Out any](h *handlers, r call, operation string, method awswire.Method[In, Out], in *In) (*Out, error) {
	r.info.Pool = r.pool
	return awswire.Call(r.ctx, h.Flows, operation, method, in)
}

// invokeChecked calls an operation by an input of which a part came from elsewhere than
// the request, once it keeps the model's constraints.
func invokeChecked[In, Out any](
	h *handlers, r call, operation string, method awswire.Method[In, Out], in *In,
) (*Out, error) {
	if err := cognito.Check(operation, in); err != nil {
		return nil, err
	}
	return invoke(h, r, operation, method, in)
}

func (a adapter[In, Out]) endpoint(h *handlers) endpoint {
	e := endpoint{
		operation: a.operation, calls: []string{a.operation},
		input: reflect.TypeFor[In](), members: a.inputMembers(),
		answer: reflect.TypeFor[Out](), status: fiber.StatusOK,
		serve: func(r call, got received) (reply, error) {
			in, err := a.input(h, r, got)
			if err != nil {
				return reply{}, err
			}
			out, err := a.handle(r, in)
			if err != nil {
				return reply{}, err
			}
			return a.reply(r, out)
		},
	}
	switch {
	case a.silent:
		e.answer, e.status = nil, fiber.StatusNoContent
	case a.made != "":
		e.status = fiber.StatusCreated
	}
	return e
}

// inputMembers are REST's names of the members that a request may have.
func (a adapter[In, Out]) inputMembers() []string {
	if a.members != nil {
		return a.members
	}
	return namesOf(reflect.TypeFor[In]())
}

// input makes the operation's input of what a request holds and its path names.
func (a adapter[In, Out]) input(h *handlers, r call, got received) (*In, error) {
	if a.members != nil {
		if err := only(got.body, a.members...); err != nil {
			return nil, err
		}
	}
	t := reflect.TypeFor[In]()
	tree, err := h.modelTree(r, got, t)
	if err != nil {
		return nil, err
	}
	if a.operation == "" {
		return new(In), nil
	}
	if _, paged := t.FieldByName("MaxResults"); paged && got.bodyless && tree["MaxResults"] == nil {
		tree["MaxResults"] = json.Number(pageSize)
	}
	if a.provider {
		tree["DeveloperProviderName"] = anyProvider
	}
	return awswire.Input[In](a.operation, tree)
}

const (
	// pageSize is that of a list whose request names none: the largest.
	pageSize = "60"
	// anyProvider stands for the pool's developer provider while the rest of an input is
	// checked: the pool is asked for the name only for inputs that are otherwise valid.
	anyProvider = "developer"
)

// modelTree makes the members of an input of type t, under the model's names, of a
// request's body, or of its query where the route takes no body, and of its path. A
// request may repeat what its path names, so that an answer can be sent back as it was
// read, but may not contradict it.
func (h *handlers) modelTree(r call, got received, t reflect.Type) (map[string]any, error) {
	if r.pool != "" { // the operation's own input may name it within an ARN only, or not at all
		if err := cognito.Validate("DescribeIdentityPool", map[string]any{"IdentityPoolId": r.pool}); err != nil {
			return nil, err
		}
	}
	given, err := got.members(t)
	if err != nil {
		return nil, err
	}
	tree, err := structToModel(t, given)
	if err != nil {
		return nil, err
	}
	for name, value := range h.pathMembers(r) {
		if _, has := t.FieldByName(name); !has || value == "" {
			continue
		}
		if given, ok := tree[name]; ok && given != any(value) {
			return nil, cognito.InvalidParameter(restName(name) + " is not the one that the path names.")
		}
		tree[name] = value
	}
	return tree, nil
}

// pathMembers are the members of inputs that a path names; empty ones it does not name.
func (h *handlers) pathMembers(r call) map[string]string {
	members := map[string]string{
		"IdentityPoolId": r.pool, "IdentityId": r.identity, "IdentityProviderName": r.provider,
	}
	if r.pool != "" {
		members["ResourceArn"] = cognito.ARNOfPool(h.AccountID, r.pool)
	}
	return members
}

// reply answers with an operation's output under REST's names.
func (a adapter[In, Out]) reply(r call, out *Out) (reply, error) {
	if a.silent {
		return reply{status: fiber.StatusNoContent}, nil
	}
	shown := restMembers(out, a.lists...)
	answer, err := encoded(&shown)
	if a.made != "" {
		id, _ := reflect.ValueOf(out).Elem().FieldByName(a.made).Interface().(*string)
		answer.status, answer.location = fiber.StatusCreated, r.path+"/"+aws.ToString(id)
	}
	return answer, err
}
