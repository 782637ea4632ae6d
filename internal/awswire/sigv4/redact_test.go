package sigv4_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/awswire/sigv4"
)

func TestNothingPrintsATokenOrSignature(t *testing.T) {
	for form, r := range map[string]sigv4.Request{"header": getCallerIdentity().signed(t), "presigned": presignedGet().presigned(t)} {
		s, err := sigv4.Parse(&r)
		if err != nil {
			t.Fatal(err)
		}
		token := s.Credential().SessionToken
		signature := signatureOf(r)
		for _, v := range []any{r, &r, r.Headers, s, *s, s.Credential(), r.Headers[0]} {
			var out strings.Builder
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				fmt.Fprintf(&out, verb+"\n", v)
				fmt.Fprintf(&out, verb+"\n", []any{v})
			}
			j, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(j)
			for name, hidden := range map[string]string{"token": token, "signature": signature, "body": "Action=Get"} {
				upper := strings.ToUpper(hex.EncodeToString([]byte(hidden)))
				if got := out.String(); strings.Contains(got, hidden) || strings.Contains(strings.ToUpper(got), upper) {
					t.Errorf("%s: %T prints the %s", form, v, name)
				}
			}
		}
	}
}

// A refusal tells neither what the signature should have been, nor over what.
func TestRefusalsDoNotHelpAForger(t *testing.T) {
	for form, r := range map[string]sigv4.Request{"header": getCallerIdentity().signed(t), "presigned": presignedGet().presigned(t)} {
		right := signatureOf(r)
		all := headerMutations(r)
		for what, m := range lineMutations(r) {
			all[what] = m
		}
		for what, m := range all {
			err := verify(m, signedAt)
			if err == nil {
				t.Errorf("%s, %s: got none, want a refusal", form, what)
				continue
			}
			for _, hidden := range []string{right, "a/session+token", "Action=", "host:", "\n"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("%s, %s: the message tells too much", form, what)
				}
			}
		}
	}
}

// signatureOf is the signature that the SDK put last, in the header or the query.
func signatureOf(r sigv4.Request) string {
	v := header(r, "Authorization")
	if v == "" {
		v = r.RawQuery
	}
	return v[len(v)-64:]
}
