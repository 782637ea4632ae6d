package awswire

import (
	"errors"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/strictjson"
)

// maxDepth bounds the nesting of a body. The deepest input of the service has six levels.
const maxDepth = 32

// How many values a body may hold, by who sends it: each takes up to 512 bytes of memory,
// however few it has in the body. Anyone may send what is for apps, whose widest input by the
// service's model is of 27 values: ten logins, ten to remove, and ids. What is for callers is
// decoded once they have proven who they are; the widest, the mappings of a pool's roles, is of
// 20,055. The rest is for members that the model does not know yet.
const (
	ValuesOfApps    = 100
	ValuesOfCallers = 25_000
)

// DecodeObject reads a body that is one JSON object into a tree of string,
// json.Number, bool, nil, map[string]any and []any. An empty body is an empty
// object, as it is to the service.
//
// It refuses with SerializationException what package strictjson refuses: what is not
// JSON, what is no object, bytes after the object, a name that one object has twice (at
// any depth and in any spelling), text that is not Unicode, nesting deeper than 32, and
// more than so many values: ValuesOfApps or ValuesOfCallers. Messages repeat nothing of the
// body.
func DecodeObject(body []byte, values int) (map[string]any, error) {
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	// Who answers bounds bodies before they come here.
	object, err := strictjson.Object(body, strictjson.Limits{Bytes: len(body), Depth: maxDepth, Values: values})
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
