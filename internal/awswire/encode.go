package awswire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// encode writes an output of the SDK as the service writes it: exact member
// names in the order of the structure, absent members left out, times as
// numbers of seconds, no escapes that JSON does not need.
func encode(out any) ([]byte, error) {
	v := reflect.ValueOf(out)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("encode %T: not an output", out)
	}
	return appendStruct(make([]byte, 0, 2048), v)
}

// Absent reports whether a member of a structure of the SDK is not set: a nil pointer,
// map or list, or an empty text, which is no value of an enum (enums have no pointer).
func Absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

func appendStruct(dst []byte, v reflect.Value) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !IsMember(f) || Absent(v.Field(i)) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, f.Name), ':')
		var err error
		if dst, err = appendValue(dst, v.Field(i)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return append(dst, '}'), nil
}

func appendValue(dst []byte, v reflect.Value) ([]byte, error) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return appendValue(dst, v.Elem())
	case v.Type() == reflect.TypeFor[time.Time]():
		return appendTime(dst, v.Interface().(time.Time)), nil
	case v.Kind() == reflect.Struct:
		return appendStruct(dst, v)
	case v.Kind() == reflect.String:
		return appendString(dst, v.String()), nil
	case v.Kind() == reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case v.CanInt():
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		return appendMap(dst, v)
	case v.Kind() == reflect.Slice:
		return appendSlice(dst, v)
	}
	return nil, fmt.Errorf("encode %s: no shape has this type", v.Type())
}

func appendMap(dst []byte, v reflect.Value) (_ []byte, err error) {
	entries := make(map[string]reflect.Value, v.Len())
	for k, e := range v.Seq2() {
		entries[k.String()] = e
	}
	dst = append(dst, '{')
	for i, k := range slices.Sorted(maps.Keys(entries)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, k), ':')
		if dst, err = appendValue(dst, entries[k]); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendSlice(dst []byte, v reflect.Value) (_ []byte, err error) {
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendValue(dst, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// appendTime writes seconds since the epoch, with milliseconds where there are
// some. SDKs refuse texts, and not all of them read exponents.
func appendTime(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		dst, ms = append(dst, '-'), -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	if ms %= 1000; ms != 0 {
		dst = fmt.Appendf(dst, ".%03d", ms)
	}
	return dst
}

// appendString writes a JSON text without the escapes that only HTML needs.
func appendString(dst []byte, s string) []byte {
	if plain(s) {
		dst = append(append(dst, '"'), s...)
		return append(dst, '"')
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// plain reports whether s stands for itself in JSON.
func plain[T string | []byte](s T) bool {
	for i := range len(s) {
		if !plainBytes[s[i]] {
			return false
		}
	}
	return true
}

var plainBytes = func() (is [256]bool) {
	for c := ' '; c <= '~'; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()
