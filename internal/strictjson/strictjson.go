// Package strictjson reads JSON that decides something, in one way only, so that no
// two readers of a text can believe different things of it. It is the only reader of
// such JSON in the broker; encoding/json is for writing, and for texts of our own
// within a process.
//
// It takes RFC 8259 and of that only what every reader reads alike: names count by
// their exact spelling, a name stands once in an object at every depth, all text is
// Unicode (no invalid UTF-8, no lone surrogates, in names and values), nothing
// follows the value, and size, depth and number of values are bounded. Numbers are
// kept as they are written. Errors repeat nothing of the text.
package strictjson

import (
	"errors"
	"fmt"
)

// Why a text is refused. Each comes in an *Error.
var (
	ErrSize      = errors.New("the text is too large")
	ErrValues    = errors.New("the text holds too many values")
	ErrDepth     = errors.New("the text is nested too deeply")
	ErrSyntax    = errors.New("the text is not one valid JSON value")
	ErrTrailing  = errors.New("something follows the JSON value")
	ErrUnicode   = errors.New("the text is not Unicode")
	ErrDuplicate = errors.New("a member stands twice")
	ErrObject    = errors.New("the text is not a JSON object")
	ErrList      = errors.New("the text is not a JSON list")
	ErrName      = errors.New("a member's name differs from a known one in case alone")
	ErrUnknown   = errors.New("a member is not known")
	ErrType      = errors.New("a member has the wrong type")
)

// Error refuses a text.
type Error struct {
	At     int    // offset in bytes at which the fault was seen
	Member string // the member's name, of ErrDuplicate, ErrName, ErrUnknown and ErrType; callers may quote it
	Want   string // what was expected, of ErrType, where it is known
	kind   error
}

// Error says what is wrong, and quotes nothing of the text.
func (e *Error) Error() string {
	if e.Want != "" {
		return fmt.Sprintf("%v; expected %s", e.kind, e.Want)
	}
	return e.kind.Error()
}

// Unwrap returns one of the errors of this package.
func (e *Error) Unwrap() error { return e.kind }

// Limits bound a text. Each has to be set: a limit of zero refuses everything.
type Limits struct {
	Bytes  int // of the text
	Depth  int // objects and lists within one another
	Values int // objects, lists, texts, numbers, truth values and nulls together
}

// Object reads a text that is one JSON object, into string, json.Number, bool, nil,
// map[string]any and []any. Nothing in the tree shares memory with the text. It fails
// with *Error.
func Object(text []byte, l Limits) (map[string]any, error) {
	v, err := Value(text, l)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, &Error{kind: ErrObject}
	}
	return object, nil
}

// Value reads a text that is one JSON value, as Object does.
func Value(text []byte, l Limits) (any, error) {
	return read(text, l, (*reader).value)
}

// read reads the one value of a text by fn.
func read[T any](text []byte, l Limits, fn func(*reader) (T, error)) (T, error) {
	var none T
	if len(text) > l.Bytes {
		return none, &Error{kind: ErrSize, At: l.Bytes}
	}
	r := &reader{text: text, depth: l.Depth, values: l.Values}
	r.space()
	v, err := fn(r)
	if err != nil {
		return none, err
	}
	if r.space(); r.at < len(text) {
		return none, r.fail(ErrTrailing)
	}
	return v, nil
}
