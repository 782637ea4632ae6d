package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

// bounds tries each constraint of the model at each operation: both sides of
// every bound, texts of another alphabet, what no enum lists, and nothing where
// something is required. What keeps to the model may be refused, but not as
// invalid.
func bounds(s *scene) {
	inputs := s.inputs(scratch(s), s.unknown())
	for name, operation := range theModel().Operations {
		s.Run(name, func(t *testing.T) {
			good := inputs[name]()
			a := &alteration{scene: &scene{T: t, suite: s.suite}, operation: name, input: reflect.TypeOf(good).Elem()}
			text, err := json.Marshal(good)
			if err == nil {
				err = json.Unmarshal(text, &a.tree)
			}
			if err != nil {
				t.Fatal(err)
			}
			a.structure("", theModel().Shapes[operation.Input], a.tree)
		})
	}
}

// alteration is a good input, one part of which is altered at a time.
type alteration struct {
	*scene
	operation string
	input     reflect.Type
	tree      map[string]any
}

// structure alters the members of a structure. Scalars may be left out of a good
// one; what else is left out cannot be altered.
func (a *alteration) structure(path string, s *shape, tree map[string]any) {
	for name, ref := range s.Members {
		at, good := strings.TrimPrefix(path+"."+strings.ToLower(name[:1])+name[1:], "."), tree[name]
		if slices.Contains(s.Required, name) && ref.shape().Type != "boolean" { // the SDK has no missing boolean
			delete(tree, name)
			a.try(at, notNull)
		}
		a.part(at, ref.shape(), good, func(v any) { tree[name] = v })
		tree[name] = good
	}
}

// part alters one part of an input by put.
func (a *alteration) part(path string, s *shape, good any, put func(any)) {
	switch s.Type {
	case "structure":
		a.structure(path, s, good.(map[string]any))
	case "map":
		a.mapping(path, s, good.(map[string]any), put)
	case "list":
		a.list(path, s, good.([]any), put)
	case "string":
		for text, broken := range s.texts() {
			put(text)
			a.try(path, broken)
		}
	case "integer", "long":
		for n, broken := range map[int]string{s.Min: "", s.Max: "", s.Min - 1: s.low(), s.Max + 1: s.high()} {
			put(n)
			a.try(path, broken)
		}
	}
}

// mapping alters the size of a map, its keys, and its values.
func (a *alteration) mapping(path string, s *shape, good map[string]any, put func(any)) {
	key := slices.Sorted(maps.Keys(good))[0]
	for n, broken := range s.sizes() {
		m := map[string]any{}
		for i := range n {
			m[s.Key.shape().number(i)] = good[key]
		}
		put(m)
		a.try(path, broken)
	}
	for text, broken := range s.Key.shape().texts() {
		put(map[string]any{text: good[key]})
		a.try(path, within(mapKeys, s.Key.shape(), broken))
	}
	put(good)
	if value := s.Value.shape(); !value.scalar() {
		a.part(path+"."+key+".member", value, good[key], func(v any) { good[key] = v })
		return
	}
	for text, broken := range s.Value.shape().texts() {
		put(map[string]any{key: text})
		a.try(path, within(mapValues, s.Value.shape(), broken))
	}
}

// list alters the size of a list, and its first element.
func (a *alteration) list(path string, s *shape, good []any, put func(any)) {
	for n, broken := range s.sizes() {
		put(slices.Repeat(good[:1], n))
		a.try(path, broken)
	}
	put(good)
	if element := s.Member.shape(); !element.scalar() {
		a.part(path+".1.member", element, good[0], func(v any) { good[0] = v })
		return
	}
	for text, broken := range s.Member.shape().texts() {
		put([]any{text})
		a.try(path, within(elements, s.Member.shape(), broken))
	}
}

// within words what is broken in a part of a map or a list: all constraints of
// the part are named.
func within(words string, s *shape, broken string) string {
	if broken == "" {
		return ""
	}
	return words + s.all()
}

// try calls with the input as it is altered now, which breaks a constraint at the
// path unless broken is empty.
func (a *alteration) try(path, broken string) {
	a.Helper()
	in := reflect.New(a.input).Interface()
	text, err := json.Marshal(a.tree)
	if err == nil {
		err = json.Unmarshal(text, in)
	}
	if err != nil {
		a.Fatal(err)
	}
	_, err = a.call(a.API, a.operation, in)
	if _, early := errors.AsType[smithy.InvalidParamsError](err); early && broken == notNull {
		return // the SDK's client asks nobody
	}
	got := ""
	if err != nil {
		got = spell(err)
	}
	want := " at '" + path + "' failed to satisfy constraint: " + broken
	switch {
	case broken == "" && (strings.HasPrefix(got, validation) || strings.HasPrefix(got, "no error")):
		a.Errorf("%s within its bounds: got %q, want no such refusal", path, clip(got))
	case broken != "" && !(strings.HasPrefix(got, validation+": ") && strings.Contains(got, want)):
		a.Errorf("%s: got %q, want a %s with %q", path, clip(got), validation, want)
	}
}

func clip(text string) string { return fmt.Sprintf("%.400s", text) }
