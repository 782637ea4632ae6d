package logins_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

const amazonName = "www.amazon.com"

func amazonOf(a *idptest.Amazon) logins.Provider {
	return logins.Provider{Name: amazonName, Kind: loginkey.Amazon, Endpoint: a.URL, ClientIDs: []string{"client"}}
}

// buyer is a token's of the app "app", whose client is "client".
func buyer(left int64) idptest.AmazonToken {
	return idptest.AmazonToken{App: "app", Client: "client", User: "amzn1.account.K2LI23KL2LK2", Left: left}
}

// Each check has a token that passes it barely, and one that does not; what comes twice is answered
// twice, and asked once.
func TestAmazonTokens(t *testing.T) {
	a, c := idptest.StartAmazon(t), newClock()
	p := proverFor(t, c, amazonOf(a))
	const good = "app amzn1.account.K2LI23KL2LK2"
	fill := func(n int) string { return "Atza|" + strings.Repeat("x", n-5) }
	for what, f := range map[string]struct {
		token, want string
		asked       int32
	}{
		"good":         {a.Token(buyer(3600)), good, 1},
		"a second":     {a.Token(buyer(1)), good, 1},
		"none left":    {a.Token(buyer(0)), opaque, 1},
		"nobody's":     {fill(400), opaque, 1},
		"shortest":     {fill(350), opaque, 1},
		"shorter":      {fill(349), opaque, 0},
		"longest":      {fill(2048), opaque, 1},
		"longer":       {fill(2049), opaque, 0},
		"refresh":      {strings.Replace(fill(400), "Atza", "Atzr", 1), opaque, 0},
		"without bar":  {strings.Replace(fill(400), "|", "I", 1), opaque, 0},
		"an ampersand": {fill(400) + "&a=b", opaque, 0},
		"a line":       {fill(400) + "\n", opaque, 0},
		"a JWT":        {"a.b.c", opaque, 0},
		"empty":        {"", opaque, 0},
	} {
		before := a.Questions.Load()
		for range 2 {
			if got := is(p.Prove(t.Context(), amazonName, f.token)); got != f.want {
				t.Errorf("%s: got %q, want %q", what, got, f.want)
			}
		}
		if got := a.Questions.Load() - before; got != f.asked {
			t.Errorf("%s: asked %d times, want %d", what, got, f.asked)
		}
	}
}

// What tokeninfo says of a token refuses it; whatever else it answers says nothing about it.
func TestAnswersOfTokenInfo(t *testing.T) {
	const good = "app u"
	of := func(member, value string) http.HandlerFunc {
		members := map[string]string{"app_id": `"app"`, "aud": `"client"`, "user_id": `"u"`, "exp": "60"}
		members[member] = value
		var all []string
		for name, v := range members {
			if v != "" {
				all = append(all, `"`+name+`":`+v)
			}
		}
		return serving("{" + strings.Join(all, ",") + "}")
	}
	a, c := idptest.StartAmazon(t), newClock()
	p := proverFor(t, c, amazonOf(a))
	for what, f := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"good":                 {of("", ""), good},
		"another app":          {of("app_id", `"ap"`), "ap u"},
		"no app":               {of("app_id", ""), cannotBeAsked},
		"app of a number":      {of("app_id", "7"), cannotBeAsked},
		"no client":            {of("aud", ""), cannotBeAsked},
		"empty client":         {of("aud", `""`), cannotBeAsked},
		"clients":              {of("aud", `["client"]`), cannotBeAsked},
		"no user":              {of("user_id", ""), cannotBeAsked},
		"user null":            {of("user_id", "null"), cannotBeAsked},
		"empty user":           {of("user_id", `""`), cannotBeAsked},
		"longest user":         {of("user_id", `"`+strings.Repeat("u", 1024)+`"`), "app " + strings.Repeat("u", 1024)},
		"longer user":          {of("user_id", `"`+strings.Repeat("u", 1025)+`"`), cannotBeAsked},
		"a surrogate as user":  {of("user_id", `"\ud800"`), cannotBeAsked},
		"no exp":               {of("exp", ""), cannotBeAsked},
		"exp as text":          {of("exp", `"60"`), cannotBeAsked},
		"exp 0":                {of("exp", "0"), opaque},
		"exp below 0":          {of("exp", "-1"), cannotBeAsked},
		"two users":            {serving(`{"app_id":"a","aud":"c","user_id":"u","user_id":"v","exp":60}`), cannotBeAsked},
		"an error beside":      {serving(`{"app_id":"a","aud":"c","user_id":"u","exp":60,"error":"invalid_token"}`), opaque},
		"invalid_token":        {status(400, `{"error":"invalid_token"}`), opaque},
		"invalid_token, 401":   {status(401, `{"error":"invalid_token"}`), opaque},
		"invalid_request":      {status(400, `{"error":"invalid_request"}`), opaque},
		"server_error":         {status(400, `{"error":"server_error"}`), cannotBeAsked},
		"an error that is odd": {status(400, `{"error":{"code":"invalid_token"}}`), cannotBeAsked},
		"no error":             {status(403, `{"app_id":"app","aud":"client","user_id":"u","exp":60}`), cannotBeAsked},
		"status 500":           {status(500, `{"error":"invalid_token"}`), cannotBeAsked},
		"status 503":           {status(503, `{"error":"ServerError"}`), cannotBeAsked},
		"throttled":            {status(429, `{"error":"invalid_token"}`), cannotBeAsked},
		"no JSON":              {serving("<html>"), cannotBeAsked},
		"nothing":              {serving(""), cannotBeAsked},
		"more than 64 KiB":     {serving(`{"error":"invalid_token"}` + strings.Repeat(" ", 64<<10)), cannotBeAsked},
		"elsewhere":            {http.RedirectHandler("http://localhost:1/x", http.StatusFound).ServeHTTP, cannotBeAsked},
	} {
		a.Break(f.answer)
		token := a.Token(buyer(0))
		for range 2 {
			if got := is(p.Prove(t.Context(), amazonName, token)); got != f.want {
				t.Errorf("%s: got %q, want %q", what, got, f.want)
			}
		}
	}
}

// A pool may list either of what tokeninfo says of the app; rules see three claims.
func TestAmazonLogins(t *testing.T) {
	a, c := idptest.StartAmazon(t), newClock()
	p := proverFor(t, c, amazonOf(a))
	token := a.Token(buyer(3600))
	for range 2 {
		proof, err := p.Prove(t.Context(), amazonName, token)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(proof.Audience, []string{"app", "client"}) || proof.ClientID != "app" {
			t.Errorf("got client %s of %v", proof.ClientID, proof.Audience)
		}
		for name, want := range map[string]string{"iss": amazonName, "aud": "app", "sub": proof.Subject} {
			if got, _ := proof.Claim(name); got != want {
				t.Errorf("claim %s: got %v, want %s", name, got, want)
			}
		}
		if len(proof.ClaimNames()) != 3 {
			t.Errorf("got claims %v, want three", proof.ClaimNames())
		}
	}
}

// A token lives an hour at most, whatever tokeninfo says, and no longer than that says.
func TestHowLongAmazonTokensLive(t *testing.T) {
	for left, want := range map[int64]time.Duration{
		1: time.Second, 3599: 3599 * time.Second, 3600: time.Hour, 3601: time.Hour, 1_790_000_000: time.Hour,
	} {
		a, c := idptest.StartAmazon(t), newClock()
		p := proverFor(t, c, amazonOf(a))
		proof, err := p.Prove(t.Context(), amazonName, a.Token(buyer(left)))
		if err != nil {
			t.Fatal(err)
		}
		if got := proof.Expires.Sub(c.now()); got != want {
			t.Errorf("%d seconds left: expires in %v, want %v", left, got, want)
		}
		if end := min(want, 15*time.Minute); !proof.Holds(c.now().Add(end-1)) || proof.Holds(c.now().Add(end)) {
			t.Errorf("%d seconds left: does not hold for %v", left, end)
		}
	}
}

// check -online asks tokeninfo, and says what is in its place.
func TestAskAmazon(t *testing.T) {
	a, c := idptest.StartAmazon(t), newClock()
	p := proverFor(t, c, amazonOf(a))
	if found, err := p.Ask(t.Context(), amazonName); err != nil || found != "tokeninfo answers" {
		t.Errorf("got %q, %v", found, err)
	}
	for want, answer := range map[string]http.HandlerFunc{
		"status 403 and an error that is not documented": status(403, `{"error":"Forbidden"}`),
		"status 400 and an error that is not documented": status(400, `{"error":{"code":"invalid_token"}}`),
		"made-up token it answers with status 404":       status(404, `{"error":"invalid_request"}`),
		"made-up token it answers with status 200":       serving(`{"app_id":"a","aud":"c","user_id":"u","exp":60}`),
		"status 404": http.NotFound, "status 500": status(500, "{}"), "not as it is documented": serving("{}"),
		"redirected elsewhere": http.RedirectHandler("http://localhost:1/x", http.StatusFound).ServeHTTP,
	} {
		a.Break(answer)
		if _, err := p.Ask(t.Context(), amazonName); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
