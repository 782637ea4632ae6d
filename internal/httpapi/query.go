package httpapi

import (
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/cognito-broker/broker/internal/cognito"
)

// fromQuery reads a query as the members of a structure of the SDK, as far as a
// query can hold them: texts, numbers, truth values and lists of texts. It refuses
// unknown members, and one given twice that is no list.
func fromQuery(t reflect.Type, query url.Values) (map[string]any, error) {
	known := membersOf(t)
	tree := make(map[string]any, len(query))
	for name, values := range query {
		f, ok := known[name]
		if !ok {
			return nil, unknownMember(name, slices.Sorted(maps.Keys(known)))
		}
		v, ok := queried(f.Type, values)
		if !ok {
			return nil, cognito.Serialization("The query's " + name + " is not of the type that the route takes.")
		}
		tree[name] = v
	}
	return tree, nil
}

func queried(t reflect.Type, values []string) (any, bool) {
	if t == reflect.TypeFor[[]string]() {
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		return list, true
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if len(values) != 1 {
		return nil, false
	}
	switch text := values[0]; t.Kind() {
	case reflect.String:
		return text, true
	case reflect.Bool:
		return text == "true", text == "true" || text == "false"
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		return json.Number(strconv.FormatInt(n, 10)), err == nil
	}
	return nil, false
}
