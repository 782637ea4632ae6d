package awswire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cognito-broker/broker/internal/cognito"
)

// maxDepth bounds the nesting of a body; the deepest input of the service has
// six levels.
const maxDepth = 32

// DecodeObject reads a body that is one JSON object into a tree of string,
// json.Number, bool, nil, map[string]any and []any. An empty body is an empty
// object, as it is to the service.
//
// It refuses with SerializationException what is not JSON, what is no object,
// bytes after the object, a name that one object has twice (at any depth and in
// any spelling), text that is not Unicode, and nesting deeper than 32. Messages
// repeat nothing of the body.
func DecodeObject(body []byte) (map[string]any, error) {
	switch {
	case len(body) == 0:
		return map[string]any{}, nil
	case !utf8.Valid(body), !pairedSurrogates(body):
		return nil, cognito.Serialization("The request body is not Unicode text.")
	case !json.Valid(body):
		return nil, cognito.Serialization("The request body is not one valid JSON object.")
	}
	r := reader{json.NewDecoder(bytes.NewReader(body))}
	r.UseNumber()
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, cognito.Serialization("The request body is not a JSON object.")
	}
	return object, nil
}

// reader builds a tree of JSON that is known to be valid.
type reader struct{ *json.Decoder }

func (r reader) value(depth int) (any, error) {
	token, err := r.Token()
	if err != nil {
		return nil, cognito.Serialization("The request body is not valid JSON.")
	}
	delim, ok := token.(json.Delim)
	switch {
	case !ok:
		return token, nil
	case depth >= maxDepth:
		return nil, cognito.Serialization("The request body is nested too deeply.")
	case delim == '{':
		return r.object(depth + 1)
	}
	return r.array(depth + 1)
}

func (r reader) object(depth int) (any, error) {
	object := map[string]any{}
	for r.More() {
		token, err := r.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, cognito.Serialization("The request body is not valid JSON.")
		}
		if _, twice := object[name]; twice {
			return nil, cognito.Serialization("The request body has a member twice.")
		}
		if object[name], err = r.value(depth); err != nil {
			return nil, err
		}
	}
	return object, r.end()
}

func (r reader) array(depth int) (any, error) {
	array := []any{}
	for r.More() {
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	return array, r.end()
}

func (r reader) end() error {
	if _, err := r.Token(); err != nil {
		return cognito.Serialization("The request body is not valid JSON.")
	}
	return nil
}

// pairedSurrogates reports whether every \u escape of a surrogate stands in a
// pair. The standard decoder turns a lone one into U+FFFD, which would make two
// different texts equal. Escapes that are broken in other ways are left to it.
func pairedSurrogates(body []byte) bool {
	for i := bytes.IndexByte(body, '\\'); i >= 0 && i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		r := escaped(body[i:])
		switch {
		case r < 0:
			i++ // the escaped character may be a backslash
			continue
		case utf16.IsSurrogate(r):
			if utf16.DecodeRune(r, escaped(body[i+6:])) == utf8.RuneError {
				return false
			}
			i += 6
		}
		i += 5
	}
	return true
}

// escaped returns the code unit of a \uXXXX escape at the beginning of b, or -1.
func escaped(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
