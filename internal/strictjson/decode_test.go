package strictjson_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/strictjson"
)

type inner struct {
	Key string `json:"key"`
}

type Embedded struct {
	Deep string `json:"deep"`
}

type outer struct {
	Name   string `json:"name,omitempty"`
	Plain  int
	When   *time.Time       `json:"when"`
	Inner  *inner           `json:"inner"`
	List   []inner          `json:"list"`
	ByName map[string]inner `json:"byName"`
	Any    any              `json:"any"`
	Hidden string           `json:"-"`
	Embedded
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]error{
		`{"name":"a","Plain":1,"when":"2026-01-02T03:04:05Z","inner":{"key":"k"},"list":[{"key":"l"}],"byName":{"KEY":{"key":"m"}},"any":{"Key":1},"deep":"d"}`: nil,
		`{"inner":null,"list":null,"byName":null,"when":null}`: nil,
		`{"Name":"a"}`:                     strictjson.ErrName,
		`{"name":"a","NAME":"b"}`:          strictjson.ErrName,
		`{"plain":1}`:                      strictjson.ErrName,
		`{"inner":{"Key":"k"}}`:            strictjson.ErrName,
		"{\"inner\":{\"\u212aey\":\"k\"}}": strictjson.ErrName, // the Kelvin sign
		`{"list":[{"KEY":"k"}]}`:           strictjson.ErrName,
		`{"byName":{"x":{"KEY":1}}}`:       strictjson.ErrName,
		`{"Deep":"d"}`:                     strictjson.ErrName,
		`{"other":1}`:                      strictjson.ErrUnknown,
		`{"inner":{"other":1}}`:            strictjson.ErrUnknown,
		`{"Hidden":"x"}`:                   strictjson.ErrUnknown,
		`{"-":"x"}`:                        strictjson.ErrUnknown,
		`{"name":1}`:                       strictjson.ErrType,
		`{"when":"soon"}`:                  strictjson.ErrType,
		`{"name":"a","name":"a"}`:          strictjson.ErrDuplicate,
	} {
		var got outer
		err := strictjson.Decode([]byte(text), &got, wide)
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", text, err, want)
		}
		wantSome := want
		if errors.Is(want, strictjson.ErrUnknown) {
			wantSome = nil
		}
		if err := strictjson.DecodeSome([]byte(text), new(outer), wide); !errors.Is(err, wantSome) {
			t.Errorf("%s, not all known: got %v, want %v", text, err, wantSome)
		}
	}
	var got outer
	if err := strictjson.Decode([]byte(`{"list":[{"key":"l"}],"Plain":7}`), &got, wide); err != nil {
		t.Fatal(err)
	}
	if want := (outer{List: []inner{{"l"}}, Plain: 7}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
