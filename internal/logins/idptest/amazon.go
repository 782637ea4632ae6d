package idptest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// AmazonToken is what an Amazon knows of an access token.
type AmazonToken struct {
	App, Client, User string // app_id, aud and user_id
	Left              int64  // seconds until it expires
}

// Amazon is a stub of Login with Amazon's tokeninfo, with the bodies that
// developer.amazon.com documents.
type Amazon struct {
	stub
	tokens map[string]AmazonToken
}

// StartAmazon runs an Amazon until the test ends.
func StartAmazon(t testing.TB) *Amazon {
	t.Helper()
	a := NewAmazon()
	a.start(t)
	return a
}

// NewAmazon is one that a test serves itself: see InProcess.
func NewAmazon() *Amazon {
	a := &Amazon{tokens: map[string]AmazonToken{}}
	a.stub.answer = a.answer
	return a
}

// Token makes an access token.
func (a *Amazon) Token(known AmazonToken) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %v", len(a.tokens), known))
	token := "Atza|IQEBLjAsAhRm-_" + strings.Repeat(hex.EncodeToString(sum[:]), 6)
	a.tokens[token] = known
	return token
}

func (a *Amazon) answer(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	known, ok := a.tokens[r.URL.Query().Get("access_token")]
	a.mu.Unlock()
	switch {
	case r.URL.Path != "/auth/o2/tokeninfo":
		http.NotFound(w, r)
	case !r.URL.Query().Has("access_token"):
		write(w, http.StatusBadRequest, map[string]any{
			"error": "invalid_request", "error_description": "The request is missing a required parameter : access_token",
		})
	case !ok:
		write(w, http.StatusBadRequest, map[string]any{
			"error": "invalid_token", "error_description": "The request has an invalid parameter : access_token",
		})
	default:
		write(w, http.StatusOK, map[string]any{
			"iss": "https://www.amazon.com", "user_id": known.User, "aud": known.Client, "app_id": known.App,
			"exp": known.Left, "iat": 1311280970,
		})
	}
}
