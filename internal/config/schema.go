package config

import (
	"net/netip"
	"reflect"
	"sort"
	"strings"
)

// fileSuffix marks the key that names a file with the value of a secret key.
const fileSuffix = "_file"

// field finds the member of struct type t that a key sets. fromFile is true when
// the key is x_file and x a secret; no key is both.
func field(t reflect.Type, key string) (f reflect.StructField, fromFile, ok bool) {
	if f, ok := fieldByKey(t, key); ok {
		return f, false, true
	}
	stem, suffixed := strings.CutSuffix(key, fileSuffix)
	if !suffixed {
		return f, false, false
	}
	f, ok = fieldByKey(t, stem)
	return f, true, ok && secretKind(f.Type)
}

func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("yaml") == key && key != "" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// secretKind reports whether a file may stand for a value of type t.
func secretKind(t reflect.Type) bool {
	return t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[Key]() ||
		t == reflect.TypeFor[[]Secret]() || t == reflect.TypeFor[[]Key]()
}

// section reports whether t is a struct of keys, not a value that happens to be
// a struct.
func section(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !secretKind(t) && t != reflect.TypeFor[netip.Prefix]()
}

// keysOf lists the keys of a section for an error message.
func keysOf(t reflect.Type) string {
	keys := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		keys = append(keys, t.Field(i).Tag.Get("yaml"))
	}
	sort.Strings(keys)
	return strings.Join(keys, ", ")
}
