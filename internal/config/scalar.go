package config

import (
	"errors"
	"net/netip"
	"reflect"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// scalar sets a value that is neither section nor list.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) error {
	if n.Kind != yaml.ScalarNode || null(n) && !d.loose[n] {
		return refuse(path, "is "+describe(n), expectedOf(v))
	}
	text, changed, err := expand(n.Value, d.env)
	if err != nil {
		return refuse(path, err.Error(), expectedVariable)
	}
	switch p := v.Addr().Interface().(type) {
	case *bool:
		return d.bool(n, p, text, changed, path)
	case *int:
		return d.int(n, p, text, changed, path)
	case *float64:
		return d.float(n, p, text, changed, path)
	case *time.Duration:
		return setDuration(p, text, path)
	}
	if !changed && n.ShortTag() != "!!str" && !d.takesText(n) {
		return refuse(path, "is "+describe(n), expectedOf(v)+", in quotes")
	}
	return setText(v, text, path)
}

// takesText reports whether a string key takes the text of a scalar that YAML
// reads as something else.
func (d *decoder) takesText(n *yaml.Node) bool {
	return d.loose[n] && (!null(n) || n.Value == "")
}

// setText sets the kinds of value that are texts.
func setText(v reflect.Value, text, path string) error {
	switch p := v.Addr().Interface().(type) {
	case *Secret:
		*p = NewSecret(text)
	case *Key:
		return setKey(p, text, path)
	case **regexp.Regexp:
		return setPattern(p, text, path)
	case *netip.Prefix:
		return setNetwork(p, text, path)
	default:
		v.SetString(text)
	}
	return nil
}

// setKey reads a key; the empty text stands for none.
func setKey(k *Key, text, path string) error {
	if text == "" {
		return nil
	}
	key, ok := ParseKey(text)
	if !ok {
		return refuse(path, "is not a key", expectedKey)
	}
	*k = key
	return nil
}

const expectedKey = "32 bytes in base64, as `broker keys new` prints them"

// maxPattern bounds what matching costs for each request.
const maxPattern = 512

func setPattern(p **regexp.Regexp, text, path string) error {
	if text == "" || len(text) > maxPattern {
		return refuse(path, "is empty or longer than 512 bytes", "a regular expression")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		wrong := "does not compile"
		var se *syntax.Error
		if errors.As(err, &se) {
			wrong += " (" + se.Code.String() + ")"
		}
		return refuse(path, wrong, "a regular expression in Go's syntax")
	}
	*p = re
	return nil
}

func (d *decoder) bool(n *yaml.Node, p *bool, text string, changed bool, path string) error {
	if changed || n.ShortTag() == "!!bool" {
		switch strings.TrimSpace(text) {
		case "true", "True", "TRUE":
			*p = true
			return nil
		case "false", "False", "FALSE":
			*p = false
			return nil
		}
	}
	return refuse(path, "is not a truth value", "true or false, without quotes")
}

func (d *decoder) int(n *yaml.Node, p *int, text string, changed bool, path string) error {
	text = strings.TrimSpace(text)
	// Decimal only: 010 is eight to YAML 1.1 and ten to people.
	leadingZero := len(text) > 1 && text[0] == '0'
	if changed || n.ShortTag() == "!!int" {
		if i, err := strconv.Atoi(text); err == nil && !leadingZero {
			*p = i
			return nil
		}
	}
	return refuse(path, "is not a whole number", "a decimal whole number, without quotes")
}

func (d *decoder) float(n *yaml.Node, p *float64, text string, changed bool, path string) error {
	text = strings.TrimSpace(text)
	if changed || n.ShortTag() == "!!int" || n.ShortTag() == "!!float" {
		if v, err := strconv.ParseFloat(text, 64); err == nil && plainDecimal(text) {
			*p = v
			return nil
		}
	}
	return refuse(path, "is not a number", "a decimal number such as 25 or 0.5, without quotes")
}

// plainDecimal is true for digits with at most one point between them: no sign,
// exponent, infinity, underscore or leading zero.
func plainDecimal(text string) bool {
	whole, part, pointed := strings.Cut(text, ".")
	leadingZero := len(whole) > 1 && whole[0] == '0'
	return consists(whole, digits, 1, 20) && !leadingZero && (!pointed || consists(part, digits, 1, 20))
}

func setDuration(p *time.Duration, text, path string) error {
	v, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil {
		return refuse(path, "is not a duration", "a number with a unit, such as 500ms, 15s or 20m")
	}
	if v < 0 {
		return refuse(path, "is negative", "a duration of 0s or more")
	}
	*p = v
	return nil
}

// expectedOf says what kind of scalar belongs into v.
func expectedOf(v reflect.Value) string {
	switch v.Interface().(type) {
	case bool:
		return "true or false"
	case int:
		return "a whole number"
	case float64:
		return "a number such as 25"
	case time.Duration:
		return "a duration such as 15s"
	case Key:
		return expectedKey
	case *regexp.Regexp:
		return "a regular expression"
	case netip.Prefix:
		return expectedNetwork
	}
	return "a string"
}
