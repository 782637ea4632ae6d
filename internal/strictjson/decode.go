package strictjson

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"
)

// Decode reads a text into the value that into points to, as encoding/json would,
// but by exact names: a member that is not known is refused. It fails with *Error;
// what into then holds is not to be used.
func Decode(text []byte, into any, l Limits) error { return decode(text, into, l, true) }

// DecodeSome is Decode for texts of which not all is known: other members are left
// alone, unless a name differs from a known one in case alone.
func DecodeSome(text []byte, into any, l Limits) error { return decode(text, into, l, false) }

// decode leaves to encoding/json a text that it can read in one way only.
func decode(text []byte, into any, l Limits, all bool) error {
	tree, err := Value(text, l)
	if err != nil {
		return err
	}
	if err := check(reflect.TypeOf(into), tree, all); err != nil {
		return err
	}
	err = json.Unmarshal(text, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		// Its own text quotes the value.
		return &Error{kind: ErrType, Member: wrong.Field, Want: wrong.Type.String()}
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return &Error{kind: ErrType, Want: "a time of RFC 3339"}
	}
	if err != nil {
		return &Error{kind: ErrType} // of another type that reads itself
	}
	return nil
}

// check holds the names in a tree to those of the type that it goes into.
func check(t reflect.Type, tree any, all bool) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil // it reads itself
	}
	switch tree := tree.(type) {
	case map[string]any:
		if t.Kind() == reflect.Struct {
			return checkFields(t, tree, all)
		}
		if t.Kind() == reflect.Map {
			for _, v := range tree {
				if err := check(t.Elem(), v, all); err != nil {
					return err
				}
			}
		}
	case []any:
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return nil
		}
		for _, v := range tree {
			if err := check(t.Elem(), v, all); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkFields(t reflect.Type, tree map[string]any, all bool) error {
	known := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || f.Anonymous || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		known[name] = f.Type
	}
	for name, v := range tree {
		field, ok := known[name]
		if !ok {
			if folds(name, known) {
				return &Error{kind: ErrName, Member: name}
			}
			if all {
				return &Error{kind: ErrUnknown, Member: name}
			}
			continue
		}
		if err := check(field, v, all); err != nil {
			return err
		}
	}
	return nil
}

// folds reports whether a name is one of those that are known but for its case, as
// encoding/json takes names: by Unicode's simple folding.
func folds(name string, known map[string]reflect.Type) bool {
	for k := range known {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}
