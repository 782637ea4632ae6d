package issuer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// What can be wrong with a token's text. None quotes it.
var (
	errSize      = errors.New("the token is too large")
	errParts     = errors.New("expected three parts in unpadded base64url")
	errObject    = errors.New("a part is no JSON object")
	errDuplicate = errors.New("a member stands twice")
	errMember    = errors.New("a member has the wrong type")
)

// part decodes a part of a token in its only spelling. The decoder alone would
// skip line breaks, so the length is compared too.
func part(text string) ([]byte, error) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(decoded)) != len(text) {
		return nil, errParts
	}
	return decoded, nil
}

// members reads a JSON object whose members stand once, by their exact names:
// two readers of a member that stands twice could believe different things.
func members(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errObject
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errObject
	}
	all := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errObject
		}
		if _, twice := all[name]; twice {
			return nil, errDuplicate
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errObject
		}
		all[name] = value
	}
	return all, nil
}
