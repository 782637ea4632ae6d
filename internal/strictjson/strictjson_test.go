package strictjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/strictjson"
)

var wide = strictjson.Limits{Bytes: 1 << 20, Depth: 32, Values: 1 << 20}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// What each text is refused for, by every one of the readers.
func TestRefused(t *testing.T) {
	for text, want := range map[string]error{
		"":                      strictjson.ErrSyntax,
		" ":                     strictjson.ErrSyntax,
		"nul":                   strictjson.ErrSyntax,
		"nulL":                  strictjson.ErrSyntax,
		"+1":                    strictjson.ErrSyntax,
		"-":                     strictjson.ErrSyntax,
		"01":                    strictjson.ErrTrailing,
		"1.":                    strictjson.ErrSyntax,
		".5":                    strictjson.ErrSyntax,
		"1e":                    strictjson.ErrSyntax,
		"1e+":                   strictjson.ErrSyntax,
		"1e+-5":                 strictjson.ErrSyntax,
		"1:":                    strictjson.ErrTrailing,
		"NaN":                   strictjson.ErrSyntax,
		`"`:                     strictjson.ErrSyntax,
		`"\`:                    strictjson.ErrSyntax,
		`"\x"`:                  strictjson.ErrSyntax,
		`"\u12"`:                strictjson.ErrSyntax,
		`"\u12g4"`:              strictjson.ErrSyntax,
		`"\u+123"`:              strictjson.ErrSyntax,
		"\"\n\"":                strictjson.ErrSyntax,
		"\"\x00\"":              strictjson.ErrSyntax,
		"\x00":                  strictjson.ErrSyntax,
		"1\x00":                 strictjson.ErrTrailing,
		"[":                     strictjson.ErrSyntax,
		"[1":                    strictjson.ErrSyntax,
		"[1,]":                  strictjson.ErrSyntax,
		"[,1]":                  strictjson.ErrSyntax,
		"[1 2]":                 strictjson.ErrSyntax,
		"[1}":                   strictjson.ErrSyntax,
		"{":                     strictjson.ErrSyntax,
		`{"a"}`:                 strictjson.ErrSyntax,
		`{"a":}`:                strictjson.ErrSyntax,
		`{"a":1,}`:              strictjson.ErrSyntax,
		`{,"a":1}`:              strictjson.ErrSyntax,
		`{a:1}`:                 strictjson.ErrSyntax,
		`{1:1}`:                 strictjson.ErrSyntax,
		`{xa":1}`:               strictjson.ErrSyntax,
		`{"a" 1}`:               strictjson.ErrSyntax,
		`{"a":1]`:               strictjson.ErrSyntax,
		`{"a":1/**/}`:           strictjson.ErrSyntax,
		"\ufeff{}":              strictjson.ErrSyntax,
		"{}\u00a0":              strictjson.ErrTrailing,
		"\f{}":                  strictjson.ErrSyntax,
		"{}{}":                  strictjson.ErrTrailing,
		"[]x":                   strictjson.ErrTrailing,
		`{"a":1,"a":1}`:         strictjson.ErrDuplicate,
		`{"a":1,"\u0061":2}`:    strictjson.ErrDuplicate,
		`[[{"b":{"":1,"":2}}]]`: strictjson.ErrDuplicate,
		`{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"10":0,"9":0}`: strictjson.ErrDuplicate,
		`{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"10":0,"2":0}`: strictjson.ErrDuplicate,
		"\"\xff\"":                  strictjson.ErrUnicode,
		"{\"a\xff\":1}":             strictjson.ErrUnicode,
		"\"\xed\xa0\x80\"":          strictjson.ErrUnicode, // a surrogate in UTF-8
		"\"\xc0\xaf\"":              strictjson.ErrUnicode, // longer than need be
		"\"\xe2\x82\"":              strictjson.ErrUnicode,
		"\"\\n\xff\"":               strictjson.ErrUnicode,
		`"\ud800"`:                  strictjson.ErrUnicode,
		`"\udc00"`:                  strictjson.ErrUnicode,
		`"\uDBFF"`:                  strictjson.ErrUnicode,
		`"\ud800\ud800"`:            strictjson.ErrUnicode,
		`"\udc00\ud800"`:            strictjson.ErrUnicode,
		`"\ud800xxxxxx"`:            strictjson.ErrUnicode,
		`"\ud800xxdc00"`:            strictjson.ErrUnicode,
		`"\ud800xudc00"`:            strictjson.ErrUnicode,
		`"\ud800\ndc00"`:            strictjson.ErrUnicode,
		`"\ud800\n"`:                strictjson.ErrUnicode,
		`"\ud800\u0061"`:            strictjson.ErrUnicode,
		`"\\\ud800"`:                strictjson.ErrUnicode,
		`{"\ud800":1}`:              strictjson.ErrUnicode,
		`[{"a":["\ud801"]}]`:        strictjson.ErrUnicode,
		nested(33):                  strictjson.ErrDepth,
		nested(100000):              strictjson.ErrDepth,
		strings.Repeat(`{"a":`, 33): strictjson.ErrDepth,
	} {
		_, err := strictjson.Value([]byte(text), wide)
		_, inTree := strictjson.Tree([]byte(text), wide)
		var v any
		decoded := strictjson.DecodeSome([]byte(text), &v, wide)
		for name, got := range map[string]error{"Value": err, "Tree": inTree, "DecodeSome": decoded} {
			if !errors.Is(got, want) {
				t.Errorf("%s of %.40q: got %v, want %v", name, text, got, want)
			}
		}
	}
}

func TestAccepted(t *testing.T) {
	type object = map[string]any
	for text, want := range map[string]any{
		" null ": nil, "true": true, "\tfalse\r\n": false, `""`: "", "[]": []any{}, "{}": object{}, "[ ]": []any{}, "{ }": object{},
		"0": json.Number("0"), "-0": json.Number("-0"), "-0.10": json.Number("-0.10"), "1E+5": json.Number("1E+5"), "1e400": json.Number("1e400"),
		`"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u00e9\uFFFD\ud83d\uDE00"`: "é\ufffd😀", "\"é\ufffd😀\u2028\"": "é\ufffd😀\u2028", `"\\ud800"`: `\ud800`, `"\ud83d\ude00x"`: "😀x", "\"\x7f\"": "\x7f",
		`"\u0000"`: "\x00",
		` { "a" : [ 1 , "b" , { } ] , "A" : null } `:                        object{"a": []any{json.Number("1"), "b", object{}}, "A": nil},
		`{"a":{"x":1},"b":{"x":1}}`:                                         object{"a": object{"x": json.Number("1")}, "b": object{"x": json.Number("1")}},
		`{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"10":true}`: manyMembers(),
	} {
		got, err := strictjson.Value([]byte(text), wide)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, %v; want %#v", text, got, err, want)
		}
	}
	if _, err := strictjson.Value([]byte(nested(32)), wide); err != nil {
		t.Errorf("at the depth: got %v", err)
	}
}

func manyMembers() map[string]any {
	want := map[string]any{"10": true}
	for n := range 9 {
		want[fmt.Sprint(n+1)] = json.Number("0")
	}
	return want
}

func TestLimits(t *testing.T) {
	for name, f := range map[string]struct {
		text   string
		limits strictjson.Limits
		want   error
	}{
		"as long as may be":   {`[1]`, strictjson.Limits{Bytes: 3, Depth: 1, Values: 2}, nil},
		"longer":              {`[1] `, strictjson.Limits{Bytes: 3, Depth: 1, Values: 2}, strictjson.ErrSize},
		"deeper":              {`[[]]`, strictjson.Limits{Bytes: 9, Depth: 1, Values: 2}, strictjson.ErrDepth},
		"as deep, twice":      {`[[],[]]`, strictjson.Limits{Bytes: 9, Depth: 2, Values: 3}, nil},
		"as deep, by objects": {`[{},{}]`, strictjson.Limits{Bytes: 9, Depth: 2, Values: 3}, nil},
		"more values":         {`[0,0]`, strictjson.Limits{Bytes: 9, Depth: 2, Values: 2}, strictjson.ErrValues},
		"more lists":          {`[[],[]]`, strictjson.Limits{Bytes: 9, Depth: 2, Values: 2}, strictjson.ErrValues},
		"more members":        {`{"a":0,"b":0}`, strictjson.Limits{Bytes: 99, Depth: 2, Values: 2}, strictjson.ErrValues},
		"no limits":           {`0`, strictjson.Limits{}, strictjson.ErrSize},
	} {
		if _, err := strictjson.Value([]byte(f.text), f.limits); !errors.Is(err, f.want) {
			t.Errorf("%s: got %v, want %v", name, err, f.want)
		}
	}
}

func TestObjectIsOne(t *testing.T) {
	for _, text := range []string{`[]`, `null`, `"a"`, `1`} {
		if got, err := strictjson.Object([]byte(text), wide); !errors.Is(err, strictjson.ErrObject) || got != nil {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	if got, err := strictjson.Object([]byte(`{"a":null}`), wide); err != nil || !reflect.DeepEqual(got, map[string]any{"a": nil}) {
		t.Errorf("an object: got %v, %v", got, err)
	}
	if _, err := strictjson.Object([]byte(`{"a":1,"a":2}`), wide); !errors.Is(err, strictjson.ErrDuplicate) {
		t.Errorf("a broken object: got %v, want what is wrong with it", err)
	}
}

// Errors repeat nothing of a text but the member's name, which callers ask for.
func TestErrorsAreSilent(t *testing.T) {
	for _, text := range []string{`{"SECRET":1,"SECRET":2}`, `["SECRET`, `"SECRET\ud800"`, `["SECRET"] SECRET`, `{"SECRET":SECRET}`} {
		_, err := strictjson.Value([]byte(text), wide)
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: got %v", text, err)
		}
	}
	var into struct{ N int }
	err := strictjson.Decode([]byte(`{"N":"SECRET"}`), &into, wide)
	if err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("wrong type: got %v", err)
	}
}

func TestTreeKeepsPlaceAndOrder(t *testing.T) {
	text := "{\n \"b\": [true, null],\n \"a\": -1.0\n}"
	root, err := strictjson.Tree([]byte(text), wide)
	if err != nil {
		t.Fatal(err)
	}
	b, a := root.Members[0], root.Members[1]
	if b.Name != "b" || a.Name != "a" || text[b.Node.At] != '[' || text[a.Node.At] != '-' {
		t.Errorf("got members %v, %v", b, a)
	}
	kinds := []strictjson.Kind{root.Kind, b.Node.Kind, b.Node.List[0].Kind, b.Node.List[1].Kind, a.Node.Kind}
	want := []strictjson.Kind{strictjson.Members, strictjson.List, strictjson.Bool, strictjson.Null, strictjson.Number}
	if !reflect.DeepEqual(kinds, want) || a.Node.Text != "-1.0" || b.Node.List[0].Text != "true" {
		t.Errorf("got kinds %v, want %v", kinds, want)
	}
}

// A fault in one member of a raw object or list costs that one alone; a fault of
// form, or in a name, costs all.
func TestRaw(t *testing.T) {
	all, err := strictjson.RawObject([]byte(`{"good":[1],"twice":{"a":1,"a":2},"lone":"\ud800","broken":"`+"\xff"+`"}`), wide)
	if err != nil || string(all["good"]) != "[1]" || string(all["twice"]) != `{"a":1,"a":2}` || len(all) != 4 {
		t.Errorf("got %q, %v", all, err)
	}
	for name := range map[string]bool{"twice": true, "lone": true, "broken": true} {
		if _, err := strictjson.Value(all[name], wide); err == nil {
			t.Errorf("%s: got it read, want refused", name)
		}
	}
	list, err := strictjson.RawList([]byte(`[ {"a":1,"a":2} , 2 ]`), wide)
	if err != nil || len(list) != 2 || string(list[1]) != "2" {
		t.Errorf("got %q, %v", list, err)
	}
	for text, want := range map[string]error{
		`{"a":1,"a":2}`: strictjson.ErrDuplicate, `{"\ud800":1}`: strictjson.ErrUnicode, `{"a":[1,]}`: strictjson.ErrSyntax,
		`{"a":1}x`: strictjson.ErrTrailing, `[]`: strictjson.ErrObject, `{"a":` + nested(32) + `}`: strictjson.ErrDepth,
		`{"a":"\x"}`: strictjson.ErrSyntax,
	} {
		if _, err := strictjson.RawObject([]byte(text), wide); !errors.Is(err, want) {
			t.Errorf("%.30s: got %v, want %v", text, err, want)
		}
	}
	if _, err := strictjson.RawList([]byte(`{}`), wide); !errors.Is(err, strictjson.ErrList) {
		t.Errorf("an object as a list: got %v", err)
	}
}
