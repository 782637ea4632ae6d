package logins_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// fuzzed proves one token after another by what a provider answers; each is new.
type fuzzed struct {
	*logins.Prover
	name, start string
	length, n   int
	answer      http.HandlerFunc
}

func newFuzzed(f *testing.F, p logins.Provider, start string, length int) *fuzzed {
	z := &fuzzed{name: p.Name, start: start, length: length}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { z.answer(w, r) })
	var err error
	z.Prover, err = logins.New(logins.Config{Providers: []logins.Provider{p}, Transport: idptest.InProcess{
		"graph.facebook.com": handler, "api.amazon.com": handler,
	}})
	if err != nil {
		f.Fatal(err)
	}
	return z
}

func (z *fuzzed) prove(t *testing.T, code int, text string) *logins.Proof {
	z.n++
	z.answer = status(min(max(code, 200), 599), text)
	token := fmt.Sprintf("%s%0*d", z.start, z.length, z.n)
	proof, err := z.Prove(t.Context(), z.name, token)
	if err != nil && strings.Contains(err.Error(), token) {
		t.Errorf("the error holds the token: %v", err)
	}
	if got := refusal(err); err != nil && got != cannotBeAsked && !strings.HasPrefix(got, "Invalid login token.") &&
		got != unsupported {
		t.Errorf("got %v, want a refusal or Unavailable", err)
	}
	return proof
}

// Whatever Graph answers, who is proved is in the answer as its user, and the answer as any reader of
// JSON has it says that the token is good.
func FuzzDebugToken(f *testing.F) {
	z := newFuzzed(f, logins.Provider{
		Name: facebookName, Kind: loginkey.Facebook, ClientIDs: []string{idptest.AppID}, AppSecret: idptest.AppSecret,
	}, "EAA", 60)
	for _, seed := range []string{
		`{"data":{"app_id":"1","type":"USER","expires_at":0,"is_valid":true,"user_id":"7"}}`,
		`{"data":{"app_id":1,"type":"USER","expires_at":4e9,"is_valid":true,"user_id":7,"scopes":["email"]}}`,
		`{"data":{"app_id":"1","type":"PAGE","expires_at":0,"is_valid":true,"user_id":"7"}}`,
		`{"data":{"error":{"code":190,"message":"m"},"is_valid":false,"scopes":[]}}`,
		`{"error":{"message":"m","type":"OAuthException","code":4,"fbtrace_id":"E"}}`, `{"id":"233936543368280"}`, "", "[]",
	} {
		f.Add(200, seed)
	}
	f.Fuzz(func(t *testing.T, code int, text string) {
		proof := z.prove(t, code, text)
		if proof == nil {
			return
		}
		said := standard(text)
		data, _ := said["data"].(map[string]any)
		if said["error"] != nil || data["error"] != nil || data["is_valid"] != true || data["type"] != "USER" ||
			fmt.Sprint(data["user_id"]) != proof.Subject || fmt.Sprint(data["app_id"]) != proof.ClientID {
			t.Errorf("status %d, %q: proved %s of app %s", code, text, proof.Subject, proof.ClientID)
		}
	})
}

// standard is an object as encoding/json reads it.
func standard(text string) (object map[string]any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&object)
	return object
}

// Whatever tokeninfo answers, who is proved is in the answer as its user, and so is the app.
func FuzzTokenInfo(f *testing.F) {
	z := newFuzzed(f, logins.Provider{Name: amazonName, Kind: loginkey.Amazon}, "Atza|", 400)
	for _, seed := range []string{
		`{"iss":"https://www.amazon.com","user_id":"amzn1.account.K","aud":"c","app_id":"a","exp":3597,"iat":1311280970}`,
		`{"error":"invalid_token","error_description":"d"}`, `{"error":"invalid_request"}`, "", "[]",
	} {
		f.Add(200, seed)
		f.Add(400, seed)
	}
	f.Fuzz(func(t *testing.T, code int, text string) {
		proof := z.prove(t, code, text)
		if proof == nil {
			return
		}
		said := standard(text)
		if said == nil || said["error"] != nil || said["user_id"] != proof.Subject || said["app_id"] != proof.ClientID ||
			said["aud"] != proof.Audience[1] {
			t.Errorf("status %d, %q: proved %s of %v", code, text, proof.Subject, proof.Audience)
		}
	})
}
