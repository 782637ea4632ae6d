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
	Pair   [2]inner         `json:"pair"`
	Own    own              `json:"own"`
	OwnToo *own             `json:"ownToo"`
	Hidden string           `json:"-"`
	hidden string
	Embedded
}

// own is a struct that reads itself, and no text.
type own struct{ held string }

func (o *own) UnmarshalJSON(text []byte) error {
	if o.held = string(text); text[0] == '"' {
		return errors.New("SECRET")
	}
	return nil
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]error{
		`{"name":"a","Plain":1,"when":"2026-01-02T03:04:05Z","inner":{"key":"k"},"list":[{"key":"l"}],"byName":{"KEY":{` +
			`"key":"m"}},"any":{"Key":1},"deep":"d"}`: nil,
		`{"inner":null,"list":null,"byName":null,"when":null}`: nil,
		`{"Name":"a"}`:                     strictjson.ErrName,
		`{"name":"a","NAME":"b"}`:          strictjson.ErrName,
		`{"plain":1}`:                      strictjson.ErrName,
		`{"inner":{"Key":"k"}}`:            strictjson.ErrName,
		"{\"inner\":{\"\u212aey\":\"k\"}}": strictjson.ErrName, // the Kelvin sign
		"{\"li\u017ft\":[]}":               strictjson.ErrName, // the long s, whose lower case is itself
		`{"list":[{"KEY":"k"}]}`:           strictjson.ErrName,
		`{"byName":{"x":{"KEY":1}}}`:       strictjson.ErrName,
		`{"pair":[{"key":"k"},{"KEY":1}]}`: strictjson.ErrName,
		`{"pair":{"KEY":1}}`:               strictjson.ErrType,
		`{"own":{"a":1},"ownToo":{"a":1}}`: nil,
		`{"own":"a"}`:                      strictjson.ErrType,
		`{"ownToo":"a"}`:                   strictjson.ErrType,
		`{"hidden":"x"}`:                   strictjson.ErrUnknown,
		`{"Embedded":{"deep":"d"}}`:        strictjson.ErrUnknown,
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
	if want := (outer{List: []inner{{"l"}}, Plain: 7, hidden: ""}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A member of the wrong type is named, with what it should be; what it holds is not told.
func TestWrongTypesAreNamed(t *testing.T) {
	for text, want := range map[string]struct{ member, message string }{
		`{"name":1}`:              {"name", "a member has the wrong type; expected string"},
		`{"inner":{"key":["a"]}}`: {"inner.key", "a member has the wrong type; expected string"},
		`{"when":"SECRET"}`:       {"", "a member has the wrong type; expected a time of RFC 3339"},
		`{"own":"SECRET"}`:        {"", "a member has the wrong type"},
	} {
		err := strictjson.Decode([]byte(text), new(outer), wide)
		wrong, ok := errors.AsType[*strictjson.Error](err)
		if !ok || wrong.Member != want.member || err.Error() != want.message {
			t.Errorf("%s: got %+v, want %+v", text, err, want)
		}
	}
}
