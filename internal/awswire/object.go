package awswire

import (
	"errors"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/strictjson"
)

// Bounds of a body. The deepest input of the service has six levels; the widest that
// its model allows, the mappings of a pool's roles, has some 20,000 values.
const (
	maxDepth  = 32
	maxValues = 100_000
)

// DecodeObject reads a body that is one JSON object into a tree of string,
// json.Number, bool, nil, map[string]any and []any. An empty body is an empty
// object, as it is to the service.
//
// It refuses with SerializationException what package strictjson refuses: what is not
// JSON, what is no object, bytes after the object, a name that one object has twice (at
// any depth and in any spelling), text that is not Unicode, nesting deeper than 32, and
// more than 100,000 values. Messages repeat nothing of the body.
func DecodeObject(body []byte) (map[string]any, error) {
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	// Who answers bounds bodies before they come here.
	object, err := strictjson.Object(body, strictjson.Limits{Bytes: len(body), Depth: maxDepth, Values: maxValues})
	if err != nil {
		return nil, cognito.Serialization(bodyFault(err))
	}
	return object, nil
}

func bodyFault(err error) string {
	for _, f := range [...]struct {
		kind    error
		message string
	}{
		{strictjson.ErrUnicode, "The request body is not Unicode text."},
		{strictjson.ErrDuplicate, "The request body has a member twice."},
		{strictjson.ErrDepth, "The request body is nested too deeply."},
		{strictjson.ErrValues, "The request body holds too many values."},
		{strictjson.ErrObject, "The request body is not a JSON object."},
	} {
		if errors.Is(err, f.kind) {
			return f.message
		}
	}
	return "The request body is not one valid JSON object."
}
