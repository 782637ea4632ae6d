package strictjson

import (
	"bytes"
	"encoding/json"
)

// reader reads a text from front to back, once.
type reader struct {
	text   []byte
	at     int
	depth  int  // how many more objects and lists may open
	values int  // how many more values there may be
	loose  bool // what is read is passed over: its form counts, its text does not
}

func (r *reader) fail(kind error) error { return &Error{At: r.at, kind: kind} }

// space passes over white space.
func (r *reader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// next is the byte at the reader, or 0 at the end, which begins nothing.
func (r *reader) next() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

// take passes over a byte, if it is that one, which is not 0.
func (r *reader) take(c byte) bool {
	if r.next() != c {
		return false
	}
	r.at++
	return true
}

// count begins a value.
func (r *reader) count() error {
	if r.values--; r.values < 0 {
		return r.fail(ErrValues)
	}
	return nil
}

// value reads any value into a tree.
func (r *reader) value() (any, error) {
	switch r.next() {
	case '{':
		object := map[string]any{}
		return object, r.object(func(name string) (err error) {
			object[name], err = r.value()
			return err
		})
	case '[':
		list := []any{}
		err := r.list(func() error {
			v, err := r.value()
			list = append(list, v)
			return err
		})
		return list, err
	}
	return r.scalar()
}

// scalar reads a text, number, truth value or null.
func (r *reader) scalar() (any, error) {
	if err := r.count(); err != nil {
		return nil, err
	}
	switch c := r.next(); {
	case c == '"':
		return r.str()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	case c == 't':
		return true, r.literal("true")
	case c == 'f':
		return false, r.literal("false")
	case c == 'n':
		return nil, r.literal("null")
	}
	return nil, r.fail(ErrSyntax)
}

func (r *reader) literal(word string) error {
	if !bytes.HasPrefix(r.text[r.at:], []byte(word)) {
		return r.fail(ErrSyntax)
	}
	r.at += len(word)
	return nil
}

// number reads a number as it is written (RFC 8259, section 6).
func (r *reader) number() (json.Number, error) {
	from := r.at
	r.take('-')
	if !r.take('0') && !r.digits() {
		return "", r.fail(ErrSyntax)
	}
	if r.take('.') && !r.digits() {
		return "", r.fail(ErrSyntax)
	}
	if r.take('e') || r.take('E') {
		if !r.take('+') {
			r.take('-')
		}
		if !r.digits() {
			return "", r.fail(ErrSyntax)
		}
	}
	return json.Number(r.text[from:r.at]), nil
}

// digits passes over at least one digit.
func (r *reader) digits() bool {
	from := r.at
	for c := r.next(); c >= '0' && c <= '9'; c = r.next() {
		r.at++
	}
	return r.at > from
}
