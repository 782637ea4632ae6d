package flows

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// A call holds tokens and prints none.
func TestRequestIsSilent(t *testing.T) {
	r := request{Flow: flowEnhanced, Logins: map[string]string{"idp": "secret"}}
	spelt, err := json.Marshal(struct{ R request }{r})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s", r, r, r, r), string(spelt), fmt.Sprintf("%+v", []request{r}),
	} {
		if strings.Contains(text, "secret") {
			t.Error("got a text with the token, want none")
		}
	}
}

// A call is read as it was encoded, or not at all.
func TestRequestIsDecodedAsItWasEncoded(t *testing.T) {
	logins := []login{{provider: "idp", subject: "s", client: "c"}, userOf("p", "dev", "u")}
	r := request{
		Flow: flowDeveloper, Pool: "p", Identity: "i", Logins: map[string]string{"idp": "token"}, Role: "r", Session: "s",
		Duration: time.Hour, Provider: "dev", User: "u", Tags: map[string]string{"t": "v"}, Found: "f",
	}
	v := reflect.ValueOf(r)
	empty := func(f reflect.StructField) bool { return v.FieldByIndex(f.Index).IsZero() }
	if slices.ContainsFunc(reflect.VisibleFields(v.Type()), empty) {
		t.Fatal("a field of the test's call is empty, want all filled")
	}
	if got, ok := decodeProved(
		provedRequest{r, logins, "\xff generation"}.encode(),
	); !ok || !reflect.DeepEqual(got, provedRequest{r, logins, "\xff generation"}) {
		t.Error("got another call, or none, want the one that was spelt")
	}
	for name, text := range map[string]string{
		"nothing": "", "another version": "\x02{}", "no JSON": "\x03{",
		"a field of a newer broker": "\x03{\"Call\":{\"New\":1}}",
		"more":                      "\x03{}{}", "a name in another case": "\x03{\"call\":{}}",
		"a field twice": "\x03{\"Logins\":null,\"Logins\":null}",
	} {
		if _, ok := decodeProved([]byte(text)); ok {
			t.Errorf("%s: got a call, want none", name)
		}
	}
}
