package config

import (
	"errors"
	"strings"
)

// expand replaces ${NAME}, ${NAME:-default} and $$ in a value. It works on parsed
// scalars, so what a variable holds can never become YAML. changed is true when
// anything was replaced. A $ before any other character stands for itself, which
// keeps regular expressions readable. Errors name the variable and quote no more.
func expand(text string, env map[string]string) (out string, changed bool, err error) {
	if !strings.Contains(text, "$") {
		return text, false, nil
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), changed, nil
		}
		text = after
		switch {
		case strings.HasPrefix(text, "$"):
			b.WriteByte('$')
			text, changed = text[1:], true
		case strings.HasPrefix(text, "{"):
			body, rest, closed := strings.Cut(text[1:], "}")
			if !closed {
				return "", false, errors.New("has a ${ without its }")
			}
			value, err := lookup(body, env)
			if err != nil {
				return "", false, err
			}
			b.WriteString(value)
			text, changed = rest, true
		default:
			b.WriteByte('$')
		}
	}
}

// lookup resolves what stands between ${ and }. As in a shell, the default also
// replaces an empty variable.
func lookup(body string, env map[string]string) (string, error) {
	name, fallback, hasFallback := strings.Cut(body, ":-")
	if !variableName(name) {
		return "", errors.New("has a ${…} that names no variable")
	}
	value, set := env[name]
	if hasFallback && value == "" {
		return fallback, nil
	}
	if !set {
		return "", errors.New("needs the variable " + name + ", which is not set")
	}
	return value, nil
}

const maxVariable = 128

const expectedVariable = "${NAME} of a set variable, ${NAME:-default}, or $$ for a dollar sign"

func variableName(name string) bool {
	return consists(name, wordRunes, 1, maxVariable) && !strings.Contains(digits, name[:1])
}

// variables turns os.Environ's lines into a map; the last of equal names wins.
func variables(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && name != "" {
			env[name] = value
		}
	}
	return env
}
