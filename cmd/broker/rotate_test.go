package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keyFile writes an API key to a file.
func keyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "api-key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rotateWith runs the command and returns all that it says, an error's line too.
func rotateWith(ctx context.Context, args ...string) (stdout, stderr string) {
	var out, errs bytes.Buffer
	err := run(ctx, process{args: append([]string{"keys", "rotate"}, args...), stdout: &out, stderr: &errs})
	if err != nil {
		fmt.Fprintln(&errs, oneLine(err))
	}
	return out.String(), errs.String()
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	first, stderr := rotateWith(t.Context(), "-url", b.url, "-api-key-file", keyFile(t, adminAPIKey+"\n"))
	if strings.Count(first, "\n") != 1 || len(first) < 10 || stderr != "" {
		t.Fatalf("got %q %q, want a line with a key's id", first, stderr)
	}
	second, _ := rotateWith(t.Context(), "--url", b.url+"/", "--api-key-file", keyFile(t, adminAPIKey))
	if second == first || second == "" {
		t.Errorf("again: got %q after %q, want another key", second, first)
	}
	keys, err := http.Get(b.url + "/.well-known/jwks_uri")
	if err != nil {
		t.Fatal(err)
	}
	var published strings.Builder
	if _, err := copyAll(&published, keys); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{first, second} {
		if !strings.Contains(published.String(), `"`+strings.TrimSpace(id)+`"`) {
			t.Errorf("key %s is not published", id)
		}
	}
	for key, want := range map[string]string{
		backendAPIKey:              "status 403 AccessDeniedException",
		"nobody's-api-key-of-them": "status 401 UnrecognizedClientException",
	} {
		if out, stderr := rotateWith(t.Context(), "-url", b.url, "-api-key-file", keyFile(t, key)); out != "" || !strings.Contains(stderr, want) {
			t.Errorf("got %q %q, want %s", out, stderr, want)
		}
	}
	front := startUpstream(t, b, b.url, "") // its tokens are not its own
	if out, stderr := rotateWith(t.Context(), "-url", front.url, "-api-key-file", keyFile(t, adminAPIKey)); out != "" || !strings.Contains(stderr, "status 404 NoSuchRoute") {
		t.Errorf("in aws mode: got %q %q, want 404", out, stderr)
	}
}

func TestKeysRotateRefusals(t *testing.T) {
	t.Parallel()
	good := keyFile(t, adminAPIKey)
	const url = "https://broker.example"
	for name, c := range map[string]struct{ url, file, want string }{
		"no URL":            {"", good, "-url URL is missing"},
		"no file":           {url, "", "-api-key-file FILE is missing"},
		"no such file":      {url, good + "x", "-api-key-file: open"},
		"no scheme":         {"broker.example", good, "the URL"},
		"no host":           {"https://", good, "the URL"},
		"another scheme":    {"ftp://localhost", good, "the URL"},
		"clear text":        {"http://broker.example", good, "https, or http to a loopback host"},
		"localhost in name": {"http://localhost.example", good, "https, or http to a loopback host"},
		"with a user":       {"https://u:p@broker.example", good, "without user"},
		"with a query":      {url + "?x=1", good, "query"},
		"with a fragment":   {url + "#x", good, "fragment"},
		"an empty key":      {url, keyFile(t, "\n"), "16 to 1024"},
		"a short key":       {url, keyFile(t, "fifteen-letters"), "16 to 1024"},
		"a long key":        {url, keyFile(t, strings.Repeat("k", 1025)), "16 to 1024"},
		"two lines":         {url, keyFile(t, adminAPIKey+"\n"+adminAPIKey), "in one line"},
		"two line feeds":    {url, keyFile(t, adminAPIKey+"\n\n"), "in one line"},
		"not ASCII":         {url, keyFile(t, adminAPIKey+"é"), "visible ASCII"},
	} {
		out, stderr := rotateWith(t.Context(), "-url", c.url, "-api-key-file", c.file)
		if out != "" || !strings.Contains(stderr, c.want) || strings.Contains(stderr, adminAPIKey) {
			t.Errorf("%s: got %q %q, want %q", name, out, stderr, c.want)
		}
	}
}
