package config

import (
	"regexp"
	"strconv"
)

// Error is the only error type that [Load] returns. Its text is one line,
// "<path>: <what is wrong>; expected <what is>", and quotes no value.
type Error struct {
	// Path is the key's path (pools[0].roles.authenticated), the name of an
	// environment variable that names no key, or the file's name, with a line
	// where one is known.
	Path string
	// Message says what is wrong and what is expected.
	Message string
}

// Error returns the path and the message in one line.
func (e *Error) Error() string { return e.Path + ": " + e.Message }

// refuse builds an Error; it returns the interface so that no caller can turn a
// nil *Error into a non-nil error.
func refuse(path, wrong, expected string) error {
	return &Error{Path: path, Message: wrong + "; expected " + expected}
}

// firstOf runs the checks in order and returns the first refusal.
func firstOf(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// join appends a key to a path. Keys come from the file, so one that is long or
// holds anything but plain characters is quoted and cut: errors stay one line.
func join(path, key string) string {
	if !consists(key, wordRunes+"-", 1, maxShownKey) {
		key = strconv.QuoteToASCII(shownKey(key))
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// How many bytes are shown of a key: of one that may be anything, a secret in the wrong place
// too, and of a login provider's, whose end tells it from its neighbours.
const (
	maxShownKey      = 64
	maxShownProvider = 256
)

// shownKey cuts a key.
func shownKey(key string) string {
	switch {
	case !providerKey.MatchString(key) && len(key) > maxShownKey:
		return key[:maxShownKey] + "..."
	case len(key) > maxShownProvider:
		return key[:maxShownProvider/2] + "..." + key[len(key)-maxShownProvider/2:]
	}
	return key
}

// providerKey is how a login provider is named: an ARN, or a host in lower case, with a path.
var providerKey = regexp.MustCompile(`\A(arn:[a-z-]+:iam:|([a-z0-9-]+\.)+[a-z]{2,}(:[0-9]+)?(/|:|\z))[!-~]*\z`)
