package awswire

import (
	"context"
	"net/http"
	"strings"

	"github.com/cognito-broker/broker/internal/callers"
	"github.com/cognito-broker/broker/internal/cognito"
)

const targetPrefix = "AWSCognitoIdentityService."

// json answers a request of the JSON protocol: authenticate, decode, authorise,
// validate, call, encode.
func (s *Server) json(ctx context.Context, id string, r *Request) *Response {
	o, err := s.target(r)
	var body []byte
	if err == nil {
		body, err = s.answer(ctx, o, r)
	}
	label := o.name
	if label == "" {
		label = unknownOperation
	}
	if err != nil {
		return refuse(id, label, err)
	}
	return &Response{
		Status: http.StatusOK, ContentType: contentJSON, Headers: common(id), Body: body, Operation: label,
	}
}

// target finds the operation that a request names. With an error, the operation
// may still be set: it is known, and not served in this way.
func (s *Server) target(r *Request) (operation, error) {
	value, n := r.Header(headerTarget)
	if n != 1 {
		return operation{}, noOperation("X-Amz-Target must be sent exactly once.")
	}
	name, ok := strings.CutPrefix(value, targetPrefix)
	o, known := s.operations[name]
	switch {
	case !ok || !known:
		return operation{}, noOperation("X-Amz-Target names no operation of this service.")
	case mediaType(r) != contentJSON:
		return o, noOperation("Content-Type must be " + contentJSON + ".")
	}
	return o, nil
}

// answer is the one way through an operation of the wire. Only what was validated
// says which pool a call concerns.
func (s *Server) answer(ctx context.Context, o operation, r *Request) ([]byte, error) {
	who, values, err := s.admit(o, r)
	if err != nil {
		return nil, err
	}
	tree, err := DecodeObject(r.Body, values)
	if err != nil {
		return nil, err
	}
	if err := o.permitScope(who, tree); err != nil {
		return nil, err
	}
	if err := cognito.Validate(o.name, tree); err != nil {
		return nil, err
	}
	if err := o.permitPool(ctx, who, s.poolOf, tree); err != nil {
		return nil, err
	}
	out, err := o.call(callers.With(ctx, who), s.api, tree)
	if err != nil || o.silent {
		return nil, err
	}
	return encode(out)
}

// admit authenticates the caller of a signed operation, and returns how many values the
// body may hold. For an unsigned operation the caller is nil: a signature is ignored.
func (s *Server) admit(o operation, r *Request) (who *callers.Caller, values int, err error) {
	if o.access == Unsigned {
		return nil, ValuesOfApps, nil
	}
	who, err = s.Authenticate(r)
	return who, ValuesOfCallers, err
}

func noOperation(message string) error { return refusal(cognito.CodeUnknownOperation, message) }
