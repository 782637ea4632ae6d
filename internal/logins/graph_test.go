package logins_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// debugTokenOf answers debug_token with a member of data changed; the rest is good.
func debugTokenOf(member, value string) http.HandlerFunc {
	data := map[string]string{
		"app_id": `"` + idptest.AppID + `"`, "type": `"USER"`, "expires_at": "0", "is_valid": "true", "user_id": `"7"`,
	}
	data[member] = value
	var all []string
	for name, v := range data {
		if v != "" {
			all = append(all, fmt.Sprintf("%q:%s", name, v))
		}
	}
	return serving(`{"data":{` + strings.Join(all, ",") + `}}`)
}

func status(code int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(text))
	}
}

const cannotBeAsked = "*logins.Unavailable"

// What the Graph API says of a token refuses it; whatever else it answers says nothing about it.
func TestAnswersOfGraph(t *testing.T) {
	const good = idptest.AppID + " 7"
	inData := func(code int) http.HandlerFunc {
		return serving(fmt.Sprintf(`{"data":{"error":{"code":%d,"message":"m"},"is_valid":false,"scopes":[]}}`, code))
	}
	cases := map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"good":                {debugTokenOf("", ""), good},
		"not valid":           {debugTokenOf("is_valid", "false"), opaque},
		"valid as text":       {debugTokenOf("is_valid", `"true"`), cannotBeAsked},
		"not said":            {debugTokenOf("is_valid", ""), cannotBeAsked},
		"an app's":            {debugTokenOf("type", `"APP"`), opaque},
		"of no type":          {debugTokenOf("type", ""), cannotBeAsked},
		"app as a number":     {debugTokenOf("app_id", idptest.AppID), good},
		"another app, valid":  {debugTokenOf("app_id", `"23393654336828"`), "23393654336828 7"},
		"no app":              {debugTokenOf("app_id", ""), cannotBeAsked},
		"an app of letters":   {debugTokenOf("app_id", `"a"`), cannotBeAsked},
		"an app with an e":    {debugTokenOf("app_id", `1e3`), cannotBeAsked},
		"user as a number":    {debugTokenOf("user_id", `7`), good},
		"no user":             {debugTokenOf("user_id", ""), cannotBeAsked},
		"an empty user":       {debugTokenOf("user_id", `""`), cannotBeAsked},
		"user null":           {debugTokenOf("user_id", `null`), cannotBeAsked},
		"user of a float":     {debugTokenOf("user_id", `7.0`), cannotBeAsked},
		"a negative user":     {debugTokenOf("user_id", `-7`), cannotBeAsked},
		"a list of users":     {debugTokenOf("user_id", `["7"]`), cannotBeAsked},
		"no expiry":           {debugTokenOf("expires_at", ""), cannotBeAsked},
		"expiry as text":      {debugTokenOf("expires_at", `"0"`), cannotBeAsked},
		"two members":         {serving(`{"data":{"is_valid":false},"data":{"is_valid":true}}`), cannotBeAsked},
		"code 190 of data":    {inData(190), opaque},
		"code 102 of data":    {inData(102), opaque},
		"code 100 of data":    {inData(100), unsupported},
		"code 4 of data":      {inData(4), cannotBeAsked},
		"another's in data":   {inData(0), cannotBeAsked},
		"valid with an error": {serving(`{"data":{"error":{"code":190},"is_valid":true}}`), opaque},
		"an odd error":        {serving(`{"data":{"error":"190","is_valid":false}}`), cannotBeAsked},
		"no data":             {serving(`{}`), cannotBeAsked},
		"data is a list":      {serving(`{"data":[]}`), cannotBeAsked},
		"a list":              {serving(`[]`), cannotBeAsked},
		"no JSON":             {serving(`<html>`), cannotBeAsked},
		"nothing":             {serving(``), cannotBeAsked},
		"half":                {serving(`{"data":{"is_valid":`), cannotBeAsked},
		"64 KiB":              {serving(`{"data":{"is_valid":false}` + strings.Repeat(" ", 64<<10-27) + `}`), opaque},
		"more than 64 KiB":    {serving(`{"data":{"is_valid":false}` + strings.Repeat(" ", 64<<10-26) + `}`), cannotBeAsked},
		"status 500":          {status(500, `{"error":{"code":190}}`), cannotBeAsked},
		"status 503":          {status(503, `{"data":{"is_valid":false}}`), cannotBeAsked},
		"status 429":          {status(429, `{"error":{"code":190}}`), cannotBeAsked},
		"status 404":          {status(404, `{"data":{"is_valid":true}}`), cannotBeAsked},
		"elsewhere":           {http.RedirectHandler("http://localhost:1/x", http.StatusFound).ServeHTTP, cannotBeAsked},
	}
	for _, code := range []int{1, 2, 4, 10, 17, 200, 341, 368, 613, -1} {
		cases[fmt.Sprintf("code %d", code)] = struct {
			answer http.HandlerFunc
			want   string
		}{idptest.GraphError(code), cannotBeAsked}
	}
	g, c := idptest.StartGraph(t), newClock()
	p := proverFor(t, c, withSecret(g))
	for what, f := range cases {
		g.Break(f.answer)
		token := g.Token(idptest.GraphToken{})
		for range 2 {
			proof, err := p.Prove(t.Context(), facebookName, token)
			if got := is(proof, err); got != f.want {
				t.Errorf("%s: got %q, want %q", what, got, f.want)
			}
		}
	}
}

// Without a secret the app is asked for as well as the user: whoever's /me it is, another app's
// token proves a user of that app alone.
func TestGraphWithoutSecret(t *testing.T) {
	g, c := idptest.StartGraph(t), newClock()
	p := proverFor(t, c, withoutSecret(g))
	for what, f := range map[string]struct {
		app, me http.HandlerFunc
		want    string
	}{
		"good":           {serving(`{"id":"1"}`), serving(`{"id":"7"}`), "1 7"},
		"another app":    {serving(`{"id":"2"}`), serving(`{"id":"7"}`), "2 7"},
		"app refused":    {idptest.GraphError(190), serving(`{"id":"7"}`), opaque},
		"user refused":   {serving(`{"id":"1"}`), idptest.GraphError(190), opaque},
		"no user":        {serving(`{"id":"1"}`), idptest.GraphError(2500), opaque},
		"app throttled":  {idptest.GraphError(4), serving(`{"id":"7"}`), cannotBeAsked},
		"user throttled": {serving(`{"id":"1"}`), idptest.GraphError(17), cannotBeAsked},
		"app without id": {serving(`{}`), serving(`{"id":"7"}`), cannotBeAsked},
		"user empty":     {serving(`{"id":"1"}`), serving(`{"id":""}`), cannotBeAsked},
		"app down":       {status(500, ""), serving(`{"id":"7"}`), cannotBeAsked},
		"user down":      {serving(`{"id":"1"}`), status(502, ""), cannotBeAsked},
	} {
		g.Break(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/me") {
				f.me(w, r)
				return
			}
			f.app(w, r)
		})
		if got := is(p.Prove(t.Context(), facebookName, g.Token(idptest.GraphToken{}))); got != f.want {
			t.Errorf("%s: got %q, want %q", what, got, f.want)
		}
	}
}

// An error of a whole question is the user's token's only where the app's own one is good:
// with a wrong secret nobody is refused.
func TestWrongAppSecret(t *testing.T) {
	g, c := idptest.StartGraph(t), newClock()
	wrong := withSecret(g)
	wrong.AppSecret = "wrong-5ecret"
	p := proverFor(t, c, wrong)
	_, err := p.Prove(t.Context(), facebookName, g.Token(idptest.GraphToken{App: idptest.AppID, User: "7"}))
	if _, ok := errors.AsType[*logins.Unavailable](err); !ok || strings.Contains(err.Error(), "5ecret") {
		t.Errorf("got %v, want Unavailable, without the secret", err)
	}
	_, err = p.Ask(t.Context(), facebookName)
	if err == nil || !strings.Contains(err.Error(), "by its id and secret") || strings.Contains(err.Error(), "5ecret") {
		t.Errorf("asked: got %v, want it told, without the secret", err)
	}
	right := proverFor(t, c, withSecret(g))
	g.Break(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/debug_token") {
			idptest.GraphError(190)(w, r)
			return
		}
		serving(`{"id":"`+idptest.AppID+`"}`)(w, r)
	})
	if got := is(right.Prove(t.Context(), facebookName, g.Token(idptest.GraphToken{}))); got != opaque {
		t.Errorf("the app's own token is good: got %q, want %q", got, opaque)
	}
}

// A token that Graph refuses with an error costs one question: that it knows the app is believed for 30
// seconds, and asked again then.
func TestRefusedTokensCostOneQuestion(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r graphRig) {
		known := r.user("7")
		var app atomic.Bool
		app.Store(true)
		r.graph.Break(func(w http.ResponseWriter, q *http.Request) {
			switch inspects := strings.HasSuffix(q.URL.Path, "/debug_token"); {
			case inspects && app.Load() && q.URL.Query().Get("input_token") == known:
				serving(`{"data":{"is_valid":true,"type":"USER","app_id":"`+idptest.AppID+`","user_id":"7","expires_at":0}}`)(w, q)
			case inspects || !app.Load():
				idptest.GraphError(190)(w, q)
			default:
				serving(`{"id":"`+idptest.AppID+`"}`)(w, q)
			}
		})
		made := 0
		costs := func(what, token, want string, questions int32) {
			t.Helper()
			before := r.graph.Questions.Load()
			err := r.prove(t.Context(), token)
			if got := r.graph.Questions.Load() - before; refusal(err) != want || got != questions {
				t.Errorf("%s: got %v by %d questions, want %q by %d", what, err, got, want, questions)
			}
		}
		another := func() string { made++; return nobodys(made) }
		costs("the first", another(), opaque, 2)
		for range 10 {
			costs("another one", another(), opaque, 1)
		}
		time.Sleep(30*time.Second - 1)
		costs("at the end of 30 s", another(), opaque, 1)
		time.Sleep(time.Nanosecond)
		costs("30 s later", another(), opaque, 2)
		time.Sleep(20 * time.Second)
		costs("a good one", known, "<nil>", 1)
		time.Sleep(20 * time.Second)
		costs("known by the good one", another(), opaque, 1)
		app.Store(false)
		time.Sleep(20 * time.Second)
		for range 2 { // what failed is not believed
			costs("the app's secret has changed", another(), cannotBeAsked, 2)
		}
	})
}

// check -online says what is wrong with Graph, with the app, or with the keys of Limited Login.
func TestAskFacebook(t *testing.T) {
	keys := func(answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "jwks") {
				answer(w, r)
				return
			}
			serving(`{"id":"`+idptest.AppID+`"}`)(w, r)
		}
	}
	for what, f := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"all good":       {nil, "<nil>"},
		"Graph 404":      {http.NotFound, "ask the Graph API: status 404"},
		"Graph 500":      {status(500, "{}"), "ask the Graph API: status 500"},
		"another app":    {serving(`{"id":"1"}`), "not as it is documented"},
		"throttled":      {idptest.GraphError(4), "error 4"},
		"keys 404":       {keys(http.NotFound), "the keys of Limited Login: fetch keys: status 404"},
		"keys of no use": {keys(serving(`{"keys":[]}`)), "the keys of Limited Login: the key set is empty"},
	} {
		g, c := idptest.StartGraph(t), newClock()
		g.Break(f.answer)
		found, err := proverFor(t, c, withSecret(g)).Ask(t.Context(), facebookName)
		if got := fmt.Sprint(err); !strings.Contains(got, f.want) || err != nil && found != "" {
			t.Errorf("%s: got %q, %v, want %q", what, found, err, f.want)
		}
	}
}

// Without a secret only the refusal of a made-up token says that the Graph API answers.
func TestAskGraphWithoutSecret(t *testing.T) {
	for what, f := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"its own refusal":     {nil, "<nil>"},
		"another shape":       {status(403, `{"error":"Forbidden"}`), "a made-up token: the Graph API answered with error 0"},
		"a wrong path":        {status(404, `{"error":{"code":404}}`), "answered with error 404"},
		"an unknown path":     {idptest.GraphError(2500), "answered with error 2500"},
		"throttled":           {idptest.GraphError(4), "answered with error 4"},
		"anybody is somebody": {serving(`{"id":"1"}`), "a made-up token: the Graph API's answer is not as it is"},
		"no JSON":             {http.NotFound, "about a made-up token: status 404"},
	} {
		g, c := idptest.StartGraph(t), newClock()
		g.Break(f.answer)
		bare := withSecret(g)
		bare.AppSecret, bare.ClientIDs, bare.NoLimitedLogin = "", nil, true
		found, err := proverFor(t, c, bare).Ask(t.Context(), facebookName)
		if got := fmt.Sprint(err); !strings.Contains(got, f.want) || err != nil && found != "" {
			t.Errorf("%s: got %q, %v, want %q", what, found, err, f.want)
		}
	}
}
