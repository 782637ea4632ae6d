package cognito

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// accepts reports whether v, which is not nil, has the JSON type of the shape.
func (s *shape) accepts(v any) bool {
	ok := false
	switch s.kind {
	case kindString:
		_, ok = v.(string)
	case kindBoolean:
		_, ok = v.(bool)
	case kindMap, kindStructure:
		_, ok = v.(map[string]any)
	case kindList:
		_, ok = v.([]any)
	case kindInteger, kindLong:
		_, ok = s.integer(v)
	case kindTimestamp:
		var n json.Number
		if n, ok = v.(json.Number); ok {
			_, err := n.Float64()
			ok = err == nil
		}
	}
	return ok
}

func (s *shape) integer(v any) (n int64, ok bool) {
	text, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	bits := 64
	if s.kind == kindInteger {
		bits = 32
	}
	n, err := strconv.ParseInt(text.String(), 10, bits)
	return n, err == nil
}

// refuseType is the error for a value that the shape does not accept. It names
// the member and both types, in the words of the service's parser.
func (s *shape) refuseType(path string, v any) error {
	found := "NULL_VALUE"
	switch v.(type) {
	case map[string]any:
		return Serialization("Start of structure or map found where not expected: " + path)
	case []any:
		return Serialization("Start of list found where not expected: " + path)
	case string:
		found = "STRING_VALUE"
	case json.Number:
		found = "NUMBER_VALUE"
	case bool:
		found = "BOOLEAN_VALUE"
	}
	return Serialization(fmt.Sprintf("%s can not be converted to %s: %s", found, s.kind, path))
}

// String is the name of the JSON form in messages.
func (k kind) String() string {
	switch k {
	case kindString:
		return "a String"
	case kindMap:
		return "a Map"
	case kindList:
		return "a List"
	case kindStructure:
		return "a Structure"
	case kindBoolean:
		return "a Boolean"
	case kindInteger:
		return "an Integer"
	case kindLong:
		return "a Long"
	case kindTimestamp:
		return "a Timestamp"
	}
	return "anything"
}

// scalar reports whether values of the shape have no parts.
func (s *shape) scalar() bool {
	return s.kind != kindMap && s.kind != kindList && s.kind != kindStructure
}

// broken lists the constraints that a scalar of the right type breaks.
func (s *shape) broken(v any) []string {
	switch s.kind {
	case kindString:
		text, _ := v.(string)
		list := s.outside(int64(utf8.RuneCountInString(text)))
		if s.pattern != nil && !s.pattern.full.MatchString(text) {
			list = append(list, s.patternText())
		}
		if len(s.enum) > 0 && !slices.Contains(s.enum, text) {
			list = append(list, s.enumText())
		}
		return list
	case kindInteger, kindLong:
		n, _ := s.integer(v)
		return s.outside(n)
	}
	return nil
}

// outside lists the bound that a length or a value breaks.
func (s *shape) outside(n int64) []string {
	switch {
	case s.max != 0 && n > s.max:
		return []string{s.maxText()}
	case s.min != 0 && n < s.min:
		return []string{s.minText()}
	}
	return nil
}

// constraints lists all constraints of a scalar, as messages about maps and
// lists do.
func (s *shape) constraints() string {
	var list []string
	if s.max != 0 {
		list = append(list, s.maxText())
	}
	if s.min != 0 {
		list = append(list, s.minText())
	}
	if s.pattern != nil {
		list = append(list, s.patternText())
	}
	if len(s.enum) > 0 {
		list = append(list, s.enumText())
	}
	if len(list) == 0 {
		list = append(list, "Member must not be null")
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func (s *shape) maxText() string {
	return fmt.Sprintf("Member must have %s less than or equal to %d", s.measure(), s.max)
}

func (s *shape) minText() string {
	return fmt.Sprintf("Member must have %s greater than or equal to %d", s.measure(), s.min)
}

func (s *shape) measure() string {
	if s.kind == kindInteger || s.kind == kindLong {
		return "value"
	}
	return "length"
}

func (s *shape) patternText() string {
	return "Member must satisfy regular expression pattern: " + s.pattern.text
}

func (s *shape) enumText() string {
	return "Member must satisfy enum value set: [" + strings.Join(s.enum, ", ") + "]"
}
