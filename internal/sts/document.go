package sts

import (
	"errors"
	"unicode/utf8"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// errSyntax says why a policy document that is sound JSON is refused; for the log.
var errSyntax = errors.New("policy has not the form of a session policy")

// documentLimits are more than any policy needs: document, statements, statement,
// condition, operator, values. Its length was checked before, in characters.
var documentLimits = strictjson.Limits{Bytes: maxPolicy * utf8.UTFMax, Depth: 16, Values: maxPolicy}

// checkDocument says whether text is a plausible session policy. It is recorded,
// not evaluated; still, what AWS would refuse must not look like a limit on a
// session. It refuses with MalformedPolicyDocument.
func checkDocument(text string) error {
	doc, err := strictjson.Value([]byte(text), documentLimits)
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
