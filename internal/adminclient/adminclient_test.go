package adminclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/adminclient"
)

const apiKey = "api-key-of-an-administrator"

func client(t *testing.T, url string) *adminclient.Client {
	t.Helper()
	c, err := adminclient.New(url, apiKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestRotateSigningKey(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/below/v1/signing-keys/rotate" ||
			r.Header.Get("Authorization") != "Bearer "+apiKey {
			t.Errorf("got %s %s, want the route below the URL, with the key", r.Method, r.URL.Path)
		}
		io.WriteString(w, `{"keyId":"us-east-17","more":1}`)
	}))
	defer server.Close()
	for _, url := range []string{server.URL + "/below", server.URL + "/below/"} {
		if id, err := client(t, url).RotateSigningKey(t.Context()); err != nil || id != "us-east-17" {
			t.Errorf("got %q %v, want us-east-17", id, err)
		}
	}
}

// Wherever a call ends up, its error is one bounded line, and never holds the key.
func TestAnswersOfOthers(t *testing.T) {
	var carried int // requests that arrived where a redirect points
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { carried++ }))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"not found": {http.NotFound, "status 404, and no answer of a broker"},
		"empty":     {func(http.ResponseWriter, *http.Request) {}, "whether it did what was asked is not known"},
		"garbage":   {says(200, "<html>"), "whether it did what was asked is not known"},
		"no id":     {says(200, `{"keyId":""}`), "whether it did what was asked is not known"},
		"the key":   {says(200, `{"keyId":"`+apiKey+`"}`), "whether it did what was asked is not known"},
		"two ids": {says(200, `{"keyId":"us-east-17","keyID":"us-east-18"}`),
			"whether it did what was asked is not known"},
		"two lines":   {says(200, `{"keyId":"a\nb"}`), "whether it did what was asked is not known"},
		"without end": {endless, "whether it did what was asked is not known"},
		"reflects": {func(w http.ResponseWriter, r *http.Request) {
			says(400, fmt.Sprintf(`{"code":"Bad","detail":"%s\r\nX: \u001b[2J"}`, r.Header.Get("Authorization")))(w, r)
		}, "status 400 Bad: Bearer [redacted]??X: ?[2J"},
		"long words": {says(500, `{"code":"Bad","detail":"`+strings.Repeat("x", 5000)+`"}`), "..."},
		"half":       {half, "read the answer"},
		"hangs up":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"301": {http.RedirectHandler(elsewhere.URL, http.StatusMovedPermanently).ServeHTTP,
			"redirects are not followed"},
		"307": {http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP,
			"redirects are not followed"},
		"308 reflects": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://%"+apiKey)
			w.WriteHeader(308)
		}, "Location"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			id, err := client(t, server.URL).RotateSigningKey(t.Context())
			if err == nil || id != "" {
				t.Fatalf("got a key's id, want an error")
			}
			if text := err.Error(); !strings.Contains(text, c.want) || strings.Contains(text, "\n") || len(text) > 600 {
				t.Errorf("got %.600q, want one line with %q", text, c.want)
			}
			if strings.Contains(err.Error(), apiKey) {
				t.Error("the error holds the key")
			}
		})
	}
	if carried != 0 {
		t.Errorf("the key was carried elsewhere %d times", carried)
	}
}

// A call ends with its context, wherever the other side is.
func TestACallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel(); <-release }))
	defer server.Close()
	defer close(release)
	if id, err := client(t, server.URL).RotateSigningKey(ctx); id != "" || err == nil ||
		!errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("got %q %v, want the context's end", id, err)
	}
}

// The key goes over a network by TLS alone.
func TestNew(t *testing.T) {
	for _, good := range []string{"https://broker.example", "https://broker.example:8443/below/", "http://localhost:8080",
		"http://127.0.0.1", "http://[::1]:8080"} {
		if _, err := adminclient.New(good, apiKey); err != nil {
			t.Errorf("%s: got %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "broker.example", "https://", "ftp://localhost", "http://broker.example", "http://localhost.example",
		"http://127.0.0.1.example",
		"https://u:p@broker.example", "https://broker.example?x", "https://broker.example?", "https://broker.example#x",
		"http://%zz",
	} {
		if _, err := adminclient.New(bad, apiKey); err == nil {
			t.Errorf("%q: got a client, want an error", bad)
		}
	}
	for _, bad := range []string{"", "fifteen-letters", strings.Repeat("k", 1025), apiKey + "\n", apiKey + "\r\nX: y",
		apiKey + " ", apiKey + "é"} {
		if _, err := adminclient.New("https://broker.example", bad); err == nil || strings.Contains(err.Error(), apiKey) {
			t.Error("a bad key: got a client, or an error with the key")
		}
	}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	for n := 0; n < 1<<20 && r.Context().Err() == nil; n++ {
		io.WriteString(w, strings.Repeat(" ", 1024))
	}
}

func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, `{"keyId":"`)
}
