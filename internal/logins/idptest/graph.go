package idptest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The app of a Graph, and its secret.
const (
	AppID     = "233936543368280"
	AppSecret = "graph-app-5ecret"
)

// GraphToken is what a Graph knows of an access token.
type GraphToken struct {
	App, User string
	Expires   int64  // Unix seconds; 0: never
	Kind      string // empty: USER
	Invalid   bool   // it was, and is not any more
	Numbers   bool   // ids are numbers, as in answers of old
}

// Graph is a stub of Facebook's Graph API, as far as it says whose access tokens are:
// debug_token, app and me, with the bodies and codes of errors that developers.facebook.com
// documents; and of where the keys of Limited Login are.
type Graph struct {
	stub
	tokens map[string]GraphToken
}

// StartGraph runs a Graph until the test ends.
func StartGraph(t testing.TB) *Graph {
	t.Helper()
	g := NewGraph()
	g.start(t)
	return g
}

// NewGraph is one that a test serves itself: see InProcess.
func NewGraph() *Graph {
	g := &Graph{tokens: map[string]GraphToken{}}
	g.stub.answer = g.answer
	return g
}

// Token makes an access token.
func (g *Graph) Token(known GraphToken) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %v", len(g.tokens), known))
	token := "EAADUzl4ZC" + hex.EncodeToString(sum[:]) + "ZD"
	g.tokens[token] = known
	return token
}

// Limited is the ID token of a Limited Login, but for the claims that override.
func (g *Graph) Limited(user string, now time.Time, override Claims) string {
	claims := Claims{
		"iss": "https://www.facebook.com", "aud": AppID, "sub": user, "iat": now.Unix(), "exp": now.Unix() + 3600,
		"jti": "7ReX", "nonce": "n0nce", "name": "Alice",
	}
	maps.Copy(claims, override)
	return (&Issuer{now: func() time.Time { return now }}).Sign(claims, jose.RS256, Key(0), "graph")
}

func (g *Graph) answer(w http.ResponseWriter, r *http.Request) {
	if isKeys(r.URL.Path) {
		key := jose.JSONWebKey{Key: &Key(0).PublicKey, KeyID: "graph", Use: "sig"}
		write(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
		return
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/") // behind the version
	token := r.URL.Query().Get("access_token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	g.mu.Lock()
	known, ok := g.tokens[token]
	g.mu.Unlock()
	app := token == AppID+"|"+AppSecret
	switch {
	case token == "":
		GraphError(2500)(w, r)
	case !app && (!ok || known.Invalid):
		GraphError(190)(w, r)
	case path == "debug_token":
		g.debugToken(w, r, app)
	case path == "app" && app:
		write(w, http.StatusOK, map[string]any{"name": "Social Cafe", "id": AppID})
	case path == "app":
		write(w, http.StatusOK, map[string]any{"name": "Social Cafe", "id": known.id(known.App)})
	case path == "me" && app:
		GraphError(2500)(w, r)
	case path == "me":
		write(w, http.StatusOK, map[string]any{"id": known.id(known.User)})
	default:
		GraphError(100)(w, r)
	}
}

func (g *Graph) debugToken(w http.ResponseWriter, r *http.Request, app bool) {
	g.mu.Lock()
	known, ok := g.tokens[r.URL.Query().Get("input_token")]
	g.mu.Unlock()
	switch {
	case !app:
		GraphError(100)(w, r)
	case !ok || known.Invalid:
		write(w, http.StatusOK, refused(190, "Invalid OAuth access token."))
	case known.App != AppID:
		write(w, http.StatusBadRequest, map[string]any{"error": map[string]any{
			"message": "(#100) The App_id in the input_token did not match the Viewing App", "type": "OAuthException",
			"code": 100, "fbtrace_id": "EJplcsCHuLu",
		}})
	default:
		kind := known.Kind
		if kind == "" {
			kind = "USER"
		}
		write(w, http.StatusOK, map[string]any{"data": map[string]any{
			"app_id": known.id(known.App), "type": kind, "application": "Social Cafe",
			"data_access_expires_at": 1900000000, "expires_at": known.Expires, "is_valid": true,
			"scopes": []string{"public_profile"}, "user_id": known.id(known.User),
		}})
	}
}

func (k GraphToken) id(text string) any {
	if k.Numbers {
		return json.Number(text)
	}
	return text
}

func refused(code int, message string) map[string]any {
	return map[string]any{"data": map[string]any{
		"error": map[string]any{"code": code, "message": message}, "is_valid": false, "scopes": []string{},
	}}
}

// GraphError answers with an error of the Graph API.
func GraphError(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusBadRequest, map[string]any{"error": map[string]any{
			"message": "Message describing the error", "type": "OAuthException", "code": code, "fbtrace_id": "EJplcsCHuLu",
		}})
	}
}
