package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/strictjson"
)

// standard is what encoding/json reads of a text; ok is false if it takes more or
// less than one value.
func standard(text []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, errors.Is(err, io.EOF)
}

// What is taken, encoding/json reads the same of; what is not taken for its form, it
// does not take either. All readers of the package agree.
func checkAgainstStandard(t interface{ Fatalf(string, ...any) }, text []byte) {
	got, err := strictjson.Value(text, wide)
	want, ok := standard(text)
	node, treeErr := strictjson.Tree(text, wide)
	if (err == nil) != (treeErr == nil) {
		t.Fatalf("%q: Value says %v, Tree says %v", text, err, treeErr)
	}
	switch {
	case err == nil:
		if !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, the standard decoder %#v, %v", text, got, want, ok)
		}
		if !reflect.DeepEqual(plain(node), got) {
			t.Fatalf("%q: Tree got %#v, Value %#v", text, plain(node), got)
		}
		var known any
		if err := strictjson.Decode(text, &known, wide); err != nil {
			t.Fatalf("%q: Decode says %v, Value takes it", text, err)
		}
	case errors.Is(err, strictjson.ErrSyntax), errors.Is(err, strictjson.ErrTrailing):
		if ok {
			t.Fatalf("%q: got %v, the standard decoder takes it", text, err)
		}
	case errors.Is(err, strictjson.ErrUnicode):
		if utf8.Valid(text) && !bytes.Contains(bytes.ToLower(text), []byte(`\ud`)) {
			t.Fatalf("%q: got %v of text that is Unicode", text, err)
		}
	}
}

// plain is a node as Value gives it.
func plain(n *strictjson.Node) any {
	switch n.Kind {
	case strictjson.Text:
		return n.Text
	case strictjson.Number:
		return json.Number(n.Text)
	case strictjson.Bool:
		return n.Text == "true"
	case strictjson.List:
		list := []any{}
		for _, one := range n.List {
			list = append(list, plain(one))
		}
		return list
	case strictjson.Members:
		object := map[string]any{}
		for _, m := range n.Members {
			object[m.Name] = plain(m.Node)
		}
		return object
	}
	return nil
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"a":[1,-2.5e3,"\u00e9\ud83d\ude00",null,true,false,{}]}`, `{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"",
		`{"sub":"a","SUB":"b"}`,
		"{\"\u017fub\":1}", ` [ ] x`, `01`, `"\`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkAgainstStandard(t, text) })
}

// Texts that are nearly JSON, as a fuzzer seldom makes them.
func TestAgainstStandard(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"{", "}", "[", "]", ",", ":", `"a"`, `"\u0061"`, `"A"`, `"\ud800"`, `"\ud83d\ude00"`, "\"\xff\"", "\"\u017f\"", "1",
		"-", "0", ".5", "e1",
		"true", "null", " ", "\n", "x", `\`, `"`, "\x00", `{"a":1}`, `"a":`,
	})
	rapid.Check(t, func(t *rapid.T) {
		checkAgainstStandard(t, []byte(strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")))
	})
}

// The standard encoder's texts are all taken, and read as they were written.
func TestOfStandard(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
			case kind == 0 && depth < 5:
				return rapid.MapOf(rapid.String(), value(depth+1)).Draw(t, "object")
			case kind == 1 && depth < 5:
				return rapid.SliceOf(value(depth+1)).Draw(t, "list")
			case kind == 2:
				return json.Number(fmt.Sprint(rapid.Float64Range(-1e300, 1e300).Draw(t, "number")))
			case kind == 3:
				return rapid.Bool().Draw(t, "bool")
			case kind == 4:
				return nil
			}
			return rapid.String().Draw(t, "text")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(value(0).Draw(t, "value"))
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		if _, err := strictjson.Value(text, wide); err != nil {
			t.Fatalf("%s: got %v", text, err)
		}
		checkAgainstStandard(t, text)
	})
}
