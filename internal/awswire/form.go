package awswire

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// Bounds of a form. The largest parameters that STS knows are a web identity
// token of 20000 characters and an inline policy of 2048.
const (
	maxParameters     = 64
	maxParameterName  = 128
	maxParameterValue = 32768
)

// parseForm reads the parameters of the Query protocol. It refuses, with a
// message that repeats nothing of the form: a parameter that comes twice, one
// without a name or an equals sign, broken percent-encoding, text that is not
// UTF-8, and too many or too long parameters.
func parseForm(raw string) (form map[string]string, problem string) {
	form = map[string]string{}
	if raw == "" {
		return form, ""
	}
	if strings.Count(raw, "&") >= maxParameters {
		return nil, "The request has too many parameters."
	}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, problem := parameter(pair)
		if problem != "" {
			return nil, problem
		}
		if _, twice := form[name]; twice {
			return nil, "The request has a parameter twice."
		}
		form[name] = value
	}
	return form, ""
}

func parameter(pair string) (name, value, problem string) {
	rawName, rawValue, ok := strings.Cut(pair, "=")
	if !ok || rawName == "" {
		return "", "", "A parameter must have the form name=value."
	}
	// Some parsers take a semicolon for a separator; a form of any SDK escapes it.
	if strings.ContainsRune(pair, ';') {
		return "", "", "A parameter is not percent-encoded correctly."
	}
	name, nameErr := url.QueryUnescape(rawName)
	value, valueErr := url.QueryUnescape(rawValue)
	switch {
	case nameErr != nil || valueErr != nil:
		return "", "", "A parameter is not percent-encoded correctly."
	case !utf8.ValidString(name) || !utf8.ValidString(value):
		return "", "", "A parameter is not UTF-8."
	case len(name) > maxParameterName || len(value) > maxParameterValue:
		return "", "", "A parameter is too long."
	}
	return name, value, ""
}
