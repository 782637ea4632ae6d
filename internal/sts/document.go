package sts

import (
	"encoding/json"
	"errors"
	"strings"
)

// Why a policy document is refused; for the log.
var (
	errNotJSON   = errors.New("policy is not one JSON value")
	errDuplicate = errors.New("policy has a member twice")
	errNesting   = errors.New("policy is nested too deeply")
	errSyntax    = errors.New("policy has not the form of a session policy")
)

// maxNesting is more than any policy needs: document, statements, statement,
// condition, operator, values.
const maxNesting = 16

// checkDocument says whether text is a plausible session policy. It is recorded,
// not evaluated; still, what AWS would refuse must not look like a limit on a
// session. It refuses with MalformedPolicyDocument.
func checkDocument(text string) error {
	if !json.Valid([]byte(text)) {
		return malformed(msgPolicyJSON, errNotJSON)
	}
	doc, err := decodeStrict(json.NewDecoder(strings.NewReader(text)), 0)
	if err != nil {
		return malformed(msgPolicyJSON, err)
	}
	policy, ok := doc.(map[string]any)
	if !ok || !plausiblePolicy(policy) {
		return malformed(msgPolicySyntax, errSyntax)
	}
	return nil
}

func malformed(message string, cause error) error {
	return &Error{Code: CodeMalformedPolicyDocument, Message: message, cause: cause}
}

// decodeStrict reads one value of d, and refuses the repeated members that
// encoding/json lets the last win of. Which one counts would be anyone's guess.
func decodeStrict(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errNesting
	}
	token, err := d.Token()
	if err != nil {
		return nil, errNotJSON
	}
	switch token {
	case json.Delim('{'):
		return decodeObject(d, depth)
	case json.Delim('['):
		return decodeArray(d, depth)
	}
	return token, nil
}

func decodeObject(d *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errNotJSON
		}
		if _, twice := members[name]; twice {
			return nil, errDuplicate
		}
		if members[name], err = decodeStrict(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token() // the closing brace
	return members, err
}

func decodeArray(d *json.Decoder, depth int) (any, error) {
	values := []any{}
	for d.More() {
		v, err := decodeStrict(d, depth+1)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	_, err := d.Token() // the closing bracket
	return values, err
}

// plausiblePolicy says whether doc has a policy's members and no other.
func plausiblePolicy(doc map[string]any) bool {
	for name, v := range doc {
		switch name {
		case "Version":
			if v != "2012-10-17" && v != "2008-10-17" {
				return false
			}
		case "Id":
			if _, ok := v.(string); !ok {
				return false
			}
		case "Statement": // below: it must be there
		default:
			return false
		}
	}
	switch statement := doc["Statement"].(type) {
	case map[string]any:
		return plausibleStatement(statement)
	case []any:
		for _, v := range statement {
			if s, ok := v.(map[string]any); !ok || !plausibleStatement(s) {
				return false
			}
		}
		return len(statement) > 0
	}
	return false
}

// plausibleStatement says whether s has an effect and what it is about. A
// session policy names no principal: it is about the session's.
func plausibleStatement(s map[string]any) bool {
	for name, v := range s {
		var ok bool
		switch name {
		case "Sid":
			_, ok = v.(string)
		case "Effect":
			ok = v == "Allow" || v == "Deny"
		case "Action", "NotAction", "Resource", "NotResource":
			ok = names(v)
		case "Condition":
			_, ok = v.(map[string]any)
		}
		if !ok {
			return false
		}
	}
	has := func(name string) bool { _, ok := s[name]; return ok }
	return has("Effect") && has("Action") != has("NotAction") && !(has("Resource") && has("NotResource"))
}

// names says whether v is a name or a list of at least one.
func names(v any) bool {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, v := range list {
		if s, ok := v.(string); !ok || s == "" {
			return false
		}
	}
	return len(list) > 0
}
