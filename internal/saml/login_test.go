package saml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/saml"
)

// Neither a login nor a refusal shows whose it is when it is printed.
func TestLoginIsSilent(t *testing.T) {
	t.Parallel()
	l := &saml.Login{Issuer: "urn:idp", NameID: "alice", Attributes: map[string][]string{"mail": {"alice@idp.example"}}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, l); strings.Contains(text, "alice") {
			t.Errorf("%s: got %q", format, text)
		}
	}
}
