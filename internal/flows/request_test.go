package flows

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A call holds tokens and prints none.
func TestRequestIsSilent(t *testing.T) {
	r := request{Flow: flowEnhanced, Logins: map[string]string{"idp": "secret"}}
	spelt, err := json.Marshal(struct{ R request }{r})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", r, r, r, r), string(spelt), fmt.Sprintf("%+v", []request{r})} {
		if strings.Contains(text, "secret") {
			t.Error("got a text with the token, want none")
		}
	}
}
