package contract

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// What AWS publishes of the service for its SDKs, under the Apache License 2.0,
// cut down to the constraints of inputs and the errors of operations.
//
//go:embed model.json
var modelText []byte

type model struct {
	Operations map[string]struct {
		Input  string
		Errors []string
	}
	Shapes map[string]*shape
}

// shape is a shape of the model. A bound of zero is none.
type shape struct {
	Type     string
	Min, Max int
	Pattern  string
	Enum     []string
	Required []string

	Members            map[string]ref
	Key, Value, Member ref
}

type ref struct{ Shape string }

var theModel = sync.OnceValue(func() (m model) {
	if err := json.Unmarshal(modelText, &m); err != nil {
		panic(fmt.Sprintf("read the service's model: %v", err))
	}
	return m
})

func (r ref) shape() *shape { return theModel().Shapes[r.Shape] }

// scalar reports whether values of the shape have no parts.
func (s *shape) scalar() bool {
	return s.Type != "structure" && s.Type != "map" && s.Type != "list"
}

// The constraints in the words of docs/cognito.md#validation.
const (
	notNull   = "Member must not be null"
	mapKeys   = "Map keys must satisfy constraint: "
	mapValues = "Map value must satisfy constraint: "
	elements  = "Member must satisfy constraint: "
)

func (s *shape) low() string {
	return fmt.Sprintf("Member must have %s greater than or equal to %d", s.measure(), s.Min)
}
func (s *shape) high() string {
	return fmt.Sprintf("Member must have %s less than or equal to %d", s.measure(), s.Max)
}
func (s *shape) form() string { return "Member must satisfy regular expression pattern: " + s.Pattern }
func (s *shape) set() string {
	return "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
}

func (s *shape) measure() string {
	if s.Type == "integer" || s.Type == "long" {
		return "value"
	}
	return "length"
}

// all lists the constraints of a part of a map or a list.
func (s *shape) all() string {
	var list []string
	if s.Max > 0 {
		list = append(list, s.high())
	}
	if s.Min > 0 {
		list = append(list, s.low())
	}
	if s.Pattern != "" {
		list = append(list, s.form())
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func (s *shape) matches(text string) bool {
	return s.Pattern == "" || regexp.MustCompile(`\A(?:`+s.Pattern+`)\z`).MatchString(text)
}

func (s *shape) fits(text string) bool {
	n := utf8.RuneCountInString(text)
	return n >= s.Min && (s.Max == 0 || n <= s.Max)
}
