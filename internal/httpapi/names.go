package httpapi

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cognito-broker/broker/internal/cognito"
)

// restNames are the members of the service's model whose name in REST does not
// follow from theirs.
var restNames = map[string]string{
	"DeveloperUserIdentifier":     "userIdentifier",
	"DeveloperUserIdentifierList": "userIdentifiers",
	"IdentityIdsToDelete":         "identityIds",
	"TagKeys":                     "keys",
}

// restName is REST's name of a member of the model: RoleARN is roleArn.
func restName(member string) string {
	if name, ok := restNames[member]; ok {
		return name
	}
	member = strings.Replace(member, "ARN", "Arn", 1)
	return string(unicode.ToLower(rune(member[0]))) + member[1:]
}

// membersOf are the members of a structure of the SDK by their names in REST.
func membersOf(t reflect.Type) map[string]reflect.StructField {
	known := make(map[string]reflect.StructField, t.NumField())
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			known[restName(f.Name)] = f
		}
	}
	return known
}

// toModel gives the members of a tree the names that the model has for them, in
// structures of every depth; keys of maps are the caller's own. It refuses members
// that a structure does not have. What is no structure where the model has one is
// left for cognito.Validate to refuse.
func toModel(t reflect.Type, v any) (any, error) {
	switch t.Kind() {
	case reflect.Pointer:
		return toModel(t.Elem(), v)
	case reflect.Struct:
		if tree, ok := v.(map[string]any); ok {
			return structToModel(t, tree)
		}
	case reflect.Map:
		if tree, ok := v.(map[string]any); ok {
			out := make(map[string]any, len(tree))
			for key, e := range tree {
				var err error
				if out[key], err = toModel(t.Elem(), e); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
	case reflect.Slice:
		if list, ok := v.([]any); ok {
			out := make([]any, len(list))
			for i, e := range list {
				var err error
				if out[i], err = toModel(t.Elem(), e); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
	}
	return v, nil
}

func structToModel(t reflect.Type, tree map[string]any) (map[string]any, error) {
	known := membersOf(t)
	out := make(map[string]any, len(tree))
	for name, v := range tree {
		f, ok := known[name]
		if !ok {
			return nil, unknownMember(name, slices.Sorted(maps.Keys(known)))
		}
		model, err := toModel(f.Type, v)
		if err != nil {
			return nil, err
		}
		if model != nil { // null is as good as left out
			out[f.Name] = model
		}
	}
	return out, nil
}

func unknownMember(name string, known []string) error {
	return cognito.Serialization(fmt.Sprintf("Unknown member %q; known are %s.", bounded(name), strings.Join(known, ", ")))
}

// fromModel shows a value of the SDK under REST's names: what is absent is left
// out, times are RFC 3339 in UTC.
func fromModel(v reflect.Value) any {
	if t, ok := v.Interface().(time.Time); ok {
		return t.UTC()
	}
	switch v.Kind() {
	case reflect.Pointer:
		return fromModel(v.Elem())
	case reflect.Struct:
		out := make(map[string]any, v.NumField())
		for name, f := range membersOf(v.Type()) {
			if member := v.FieldByIndex(f.Index); !absent(member) {
				out[name] = fromModel(member)
			}
		}
		return out
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for key, e := range v.Seq2() {
			out[key.String()] = fromModel(e)
		}
		return out
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = fromModel(v.Index(i))
		}
		return out
	}
	return v.Interface()
}

// absent tells what the SDK holds for a member that was not set. An enum has no
// pointer; its empty text is none of its values.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}
