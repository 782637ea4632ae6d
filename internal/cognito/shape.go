package cognito

import "regexp"

// kind is the JSON form that a shape takes. The zero kind matches nothing.
type kind int

const (
	kindString kind = iota + 1
	kindMap
	kindList
	kindStructure
	kindBoolean
	kindInteger // 32 bits
	kindLong    // 64 bits
	kindTimestamp
)

// shape is one shape of the service's model: a JSON form and its constraints.
// A shape is written once, in shape_model.go, and never changed.
type shape struct {
	kind kind

	// min and max bound the characters of a string, the entries of a map or a
	// list, and the value of a number. Zero is no bound: the model has no
	// maximum of zero, and a minimum of zero says nothing.
	min, max int64

	pattern   *pattern // strings only
	enum      []string // strings only
	sensitive bool     // the value is never repeated in a message

	key, value *shape   // maps
	element    *shape   // lists
	members    []member // structures
}

// member is a named part of a structure. The order of members is the order in
// which broken constraints are reported.
type member struct {
	name     string
	shape    *shape
	required bool
}

// pattern is an expression that must match the whole of a string.
type pattern struct {
	text string // as the model and the messages have it
	full *regexp.Regexp
}

func whole(text string) *pattern {
	return &pattern{text: text, full: regexp.MustCompile(`\A(?:` + text + `)\z`)}
}
