package logins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Codes of errors of the Graph API.
const (
	graphApp     graphError = 100  // a parameter is invalid; about a token: it is another app's
	graphSession graphError = 102  // the session has ended
	graphToken   graphError = 190  // the token is not valid, or not any more
	graphNobody  graphError = 2500 // no user stands behind the token
)

// graph asks Facebook's Graph API about access tokens.
type graph struct {
	api
	provider    string // its key
	app, secret string // empty: tokens are asked about by themselves
	now         func() time.Time
	known       atomic.Int64 // when it last knew the app by its secret, in Unix nanoseconds
}

// appKnown is how long it is believed that the API knows the app.
const appKnown = 30 * time.Second

// user is what the Graph API says of an access token.
type user struct {
	app, user string
	expires   int64 // unix seconds; zero: never, or not known
}

// inspect asks whose a token is and of which app. It fails with *Refused or *Unavailable.
func (g *graph) inspect(ctx context.Context, token string) (said user, err error) {
	if g.secret == "" {
		said, err = g.inspectAsUser(ctx, token)
	} else {
		said, err = g.inspectAsApp(ctx, token)
	}
	if _, refused := errors.AsType[*Refused](err); err != nil && !refused {
		return user{}, &Unavailable{Provider: g.provider, cause: err}
	}
	return said, err
}

// inspectAsApp asks about a token as its app.
func (g *graph) inspectAsApp(ctx context.Context, token string) (said user, err error) {
	object, err := g.call(ctx, "/debug_token", url.Values{"input_token": {token}}, g.bearer())
	if failure, ok := errors.AsType[graphError](err); ok && (failure == graphApp || failure.ofToken()) {
		// The user's, or the app's own? That is told apart by another question, now and then.
		if err := g.knowsApp(ctx); err != nil {
			return user{}, err
		}
		return user{}, failure.refusal()
	}
	if err != nil {
		return user{}, err
	}
	if said, err = readDebugToken(object); err == nil {
		g.known.Store(g.now().UnixNano()) // who is told of a token is known
	}
	return said, err
}

// knowsApp fails unless the API knows the app by its secret, now or lately.
func (g *graph) knowsApp(ctx context.Context) error {
	now := g.now()
	if since := now.UnixNano() - g.known.Load(); 0 <= since && since < int64(appKnown) {
		return nil
	}
	if _, err := g.reach(ctx); err != nil {
		return err
	}
	g.known.Store(now.UnixNano())
	return nil
}

// inspectAsUser asks with the token itself: for its app, and then for its user.
// The second alone would prove a user of any app.
func (g *graph) inspectAsUser(ctx context.Context, token string) (said user, err error) {
	query := url.Values{"access_token": {token}}
	if said.app, err = g.id(ctx, "/app", query); err != nil {
		return user{}, err
	}
	query.Set("fields", "id")
	said.user, err = g.id(ctx, "/me", query)
	return said, err
}

// id asks for an object by a user's token, and returns its id.
func (g *graph) id(ctx context.Context, path string, query url.Values) (string, error) {
	object, err := g.call(ctx, path, query, "")
	if failure, ok := errors.AsType[graphError](err); ok && failure.ofToken() {
		return "", refuse(msgOpaque, failure)
	}
	if err != nil {
		return "", err
	}
	return readID(object)
}

// reach asks whether the API answers, and knows the app by its secret.
func (g *graph) reach(ctx context.Context) (found string, err error) {
	object, err := g.call(ctx, "/app", url.Values{"fields": {"id"}}, g.bearer())
	failure, failed := errors.AsType[graphError](err)
	switch {
	case failed && g.secret == "": // it wants a token
		return "the Graph API answers", nil
	case failed && failure.ofToken():
		return "", fmt.Errorf("the Graph API does not know the app by its id and secret: %w", failure)
	case err != nil:
		return "", fmt.Errorf("ask the Graph API: %w", err)
	}
	if id, err := readID(object); err != nil || id != g.app {
		return "", errGraphForm
	}
	return "the Graph API knows the app", nil
}

// bearer is the app's own token; empty where it has no secret.
func (g *graph) bearer() string {
	if g.secret == "" {
		return ""
	}
	return g.app + "|" + g.secret
}

// call asks, and fails with graphError for an answer that is an error.
func (g *graph) call(ctx context.Context, path string, query url.Values, bearer string) (map[string]any, error) {
	got, err := g.get(ctx, path, query, bearer)
	if err != nil {
		return nil, err
	}
	if failure, failed := readGraphError(got.object); failed {
		return nil, failure
	}
	if got.status != http.StatusOK {
		return nil, errGraphForm
	}
	return got.object, nil
}

// graphError is an error of the Graph API by its code; zero where it has none that reads.
type graphError int64

func (e graphError) Error() string {
	return fmt.Sprintf("the Graph API answered with error %d", int64(e))
}

// ofToken reports whether the error says that a token is not valid. All others say why there is
// no answer about it.
func (e graphError) ofToken() bool { return e == graphToken || e == graphSession || e == graphNobody }

// refusal is what the error says of a token that debug_token was asked about.
func (e graphError) refusal() error {
	if e == graphApp {
		return refuse(msgUnsupported, e)
	}
	return refuse(msgOpaque, e)
}

// passes reports whether the error says that the API fails or throttles for now, whatever it is asked:
// 1 and 2 are its own, 4, 17 and 341 are limits of the app and its users.
func (e graphError) passes() bool {
	switch e {
	case 1, 2, 4, 17, 341:
		return true
	}
	return false
}

// readGraphError is the error that an answer holds; failed is false where it holds none.
func readGraphError(object map[string]any) (code graphError, failed bool) {
	v, there := object["error"]
	if !there {
		return 0, false
	}
	fields, _ := v.(map[string]any)
	number, _ := fields["code"].(json.Number)
	n, _ := number.Int64()
	return graphError(n), true
}

// readDebugToken reads an answer of debug_token that is no error. It fails with *Refused, or
// with what is not as it is documented.
func readDebugToken(object map[string]any) (said user, err error) {
	data, _ := object["data"].(map[string]any)
	valid, ok := data["is_valid"].(bool)
	if !ok {
		return user{}, errGraphForm
	}
	failure, failed := readGraphError(data)
	switch {
	case failed && (failure == graphApp || failure.ofToken()):
		return user{}, failure.refusal()
	case failed:
		return user{}, failure
	case !valid:
		return user{}, refuse(msgOpaque, errGraphToken)
	}
	if kind, ok := data["type"].(string); !ok {
		return user{}, errGraphForm
	} else if kind != "USER" {
		return user{}, refuse(msgOpaque, errGraphKind)
	}
	expires, ok := seconds(data["expires_at"])
	if !ok || expires == nil {
		return user{}, errGraphForm
	}
	said.expires = *expires
	if said.app, err = numeral(data["app_id"]); err != nil {
		return user{}, err
	}
	if said.user, err = numeral(data["user_id"]); err != nil {
		return user{}, err
	}
	return said, nil
}

func readID(object map[string]any) (string, error) { return numeral(object["id"]) }

// numeral is an id as text, which may be a number or a text of digits.
func numeral(v any) (id string, err error) {
	switch v := v.(type) {
	case json.Number:
		id = v.String()
	case string:
		id = v
	}
	if id == "" || len(id) > 32 || strings.Trim(id, "0123456789") != "" {
		return "", errGraphForm
	}
	return id, nil
}

var (
	errGraphForm  = errors.New("the Graph API's answer is not as it is documented")
	errGraphToken = errors.New("the Graph API says that the token is not valid")
	errGraphKind  = errors.New("the token is not a user's")
)
