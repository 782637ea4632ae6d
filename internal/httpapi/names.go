package httpapi

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
)

// restName is REST's name of a member of the service's model: RoleARN is roleArn. A few
// members have a shorter name than follows from theirs.
func restName(member string) string {
	switch member {
	case "DeveloperUserIdentifier":
		return "userIdentifier"
	case "DeveloperUserIdentifierList":
		return "userIdentifiers"
	case "IdentityIdsToDelete":
		return "identityIds"
	case "TagKeys":
		return "keys"
	}
	member = strings.Replace(member, "ARN", "Arn", 1)
	return string(unicode.ToLower(rune(member[0]))) + member[1:]
}

// namesOf are REST's names of the members of a structure of the SDK, in its order.
func namesOf(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if f := t.Field(i); awswire.IsMember(f) {
			names = append(names, restName(f.Name))
		}
	}
	return names
}

// membersOf are the members of a structure of the SDK by their names in REST.
func membersOf(t reflect.Type) map[string]reflect.StructField {
	known := make(map[string]reflect.StructField, t.NumField())
	for i := range t.NumField() {
		if f := t.Field(i); awswire.IsMember(f) {
			known[restName(f.Name)] = f
		}
	}
	return known
}

// toModel gives the members of a tree the names that the model has for them, in
// structures of every depth; keys of maps keep their spelling. It refuses members
// that a structure does not have. A value of another type than the model's is left as it
// is, for cognito.Validate to refuse.
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
			if member := v.FieldByIndex(f.Index); !awswire.Absent(member) {
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

// restMembers is an output of the SDK under REST's names. Lists and maps of these names in
// the model are there even where they are empty.
func restMembers(out any, present ...string) map[string]any {
	v := reflect.ValueOf(out).Elem()
	shown, _ := fromModel(v).(map[string]any)
	for _, member := range present {
		switch f := v.FieldByName(member); {
		case !f.IsNil():
		case f.Kind() == reflect.Map:
			shown[restName(member)] = map[string]any{}
		default:
			shown[restName(member)] = []any{}
		}
	}
	return shown
}
