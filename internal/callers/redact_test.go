package callers_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/callers"
)

// silent are the types of the package that hold, or lead to, a key: each is to be
// in values below. A new one is found by TestEveryTypeIsChecked.
func silent(t *testing.T) map[string][]any {
	r := registry(t, backend(), other())
	c, _, _ := r.ByAccessKey("AKIDEXAMPLEBACKEND")
	config := backend()
	key, digest := config.AccessKeys[0], config.APIKeys[0]
	return map[string][]any{
		"Caller":   {c, *c, []*callers.Caller{c}, map[string]*callers.Caller{"c": c}, struct{ C *callers.Caller }{c}},
		"Config":   {config, &config, []callers.Config{config}, struct{ C callers.Config }{config}},
		"Registry": {r, *r, struct{ R callers.Registry }{*r}, struct{ r *callers.Registry }{r}},
		"AccessKey": {key, &key, config.AccessKeys, struct{ K callers.AccessKey }{key},
			map[string]callers.AccessKey{"k": key}},
		"Digest": {digest, &digest, config.APIKeys, struct{ D callers.Digest }{digest},
			map[callers.Digest]bool{digest: true}},
	}
}

func TestNothingPrintsSecrets(t *testing.T) {
	for name, values := range silent(t) {
		for _, v := range values {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				checkSilent(t, name, fmt.Sprintf(verb, v))
			}
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			checkSilent(t, name, string(text))
		}
	}
	if got := fmt.Sprint(silent(t)["Caller"][0]); !strings.Contains(got, "backend") {
		t.Errorf("got %s, want the name", got)
	}
}

func checkSilent(t *testing.T, name, text string) {
	t.Helper()
	digest := [32]byte(callers.DigestOf("SECRET-key-of-backend"))
	for _, secret := range []string{
		"SECRET", fmt.Sprintf("%x", "SECRET"), strings.Trim(fmt.Sprint([]byte("SECRET")), "[]"),
		fmt.Sprintf("%x", digest), strings.Trim(fmt.Sprint(digest), "[]"),
		strings.Trim(fmt.Sprintf("%#v", digest[:4]), "[]byte{}"),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("%s: got a text of %d bytes that shows a secret", name, len(text))
		}
	}
}

// Every type of the package that a registry or a configuration is made of, if it
// can hold a text or bytes, prints and marshals by a method of its own, and what can
// be had from outside is checked above: a secret that is added later shows in no
// printed form.
func TestEveryTypeIsChecked(t *testing.T) {
	var (
		formatter = reflect.TypeFor[fmt.Formatter]()
		goString  = reflect.TypeFor[fmt.GoStringer]()
		asJSON    = reflect.TypeFor[json.Marshaler]()
		asText    = reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()
		public    = map[string]bool{"Scope": true, "rolePattern": true} // no secrets
		checked   = silent(t)
		seen      = map[reflect.Type]bool{}
	)
	var walk func(of reflect.Type)
	walk = func(of reflect.Type) {
		if seen[of] {
			return
		}
		seen[of] = true
		if strings.HasSuffix(of.PkgPath(), "internal/callers") && !public[of.Name()] {
			if !of.Implements(formatter) || !of.Implements(goString) || !of.Implements(asJSON) && !of.Implements(asText) {
				t.Errorf("%s prints its fields", of)
			}
			if exported := of.Name()[0] < 'a'; exported && checked[of.Name()] == nil {
				t.Errorf("%s: no test looks at what it prints", of)
			}
		}
		switch of.Kind() {
		case reflect.Struct:
			for i := range of.NumField() {
				walk(of.Field(i).Type)
			}
		case reflect.Map:
			walk(of.Key())
			walk(of.Elem())
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(of.Elem())
		}
	}
	walk(reflect.TypeFor[callers.Registry]())
	walk(reflect.TypeFor[callers.Config]())
	for name := range checked {
		found := false
		for of := range seen {
			found = found || of.Name() == name
		}
		if !found {
			t.Errorf("%s was not met: the walk misses something", name)
		}
	}
}
