package cognito

import (
	"encoding/json"
	"reflect"
	"strconv"
	"time"
)

// tree turns an input of the SDK into what a decoder would have read from its
// JSON form. Nil pointers, maps and lists are absent, and so is an empty enum,
// which the SDK holds without a pointer. Anything else is present.
func tree(in any) map[string]any {
	v := reflect.ValueOf(in)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	return structTree(v)
}

func structTree(v reflect.Value) map[string]any {
	out := make(map[string]any, v.NumField())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		if f.Type.Kind() == reflect.String && v.Field(i).Len() == 0 {
			continue
		}
		if part := branch(v.Field(i)); part != nil {
			out[f.Name] = part
		}
	}
	return out
}

// branch returns nil for what is absent and for what no input holds; a required
// member of such a type is then reported missing rather than taken on trust.
func branch(v reflect.Value) any {
	if t, ok := v.Interface().(time.Time); ok {
		return json.Number(strconv.FormatInt(t.Unix(), 10))
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return branch(v.Elem())
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int32, reflect.Int64, reflect.Int:
		return json.Number(strconv.FormatInt(v.Int(), 10))
	case reflect.Struct:
		return structTree(v)
	case reflect.Map:
		return mapTree(v)
	case reflect.Slice:
		return sliceTree(v)
	}
	return nil
}

func mapTree(v reflect.Value) any {
	if v.IsNil() || v.Type().Key().Kind() != reflect.String {
		return nil
	}
	out := make(map[string]any, v.Len())
	for k, e := range v.Seq2() {
		out[k.String()] = branch(e)
	}
	return out
}

func sliceTree(v reflect.Value) any {
	if v.IsNil() {
		return nil
	}
	out := make([]any, v.Len())
	for i := range out {
		out[i] = branch(v.Index(i))
	}
	return out
}
