package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Callers may sign in place of an API key, whatever the method, path and query.
func TestRESTSigned(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	empty := sha256.Sum256(nil)
	for name, c := range map[string]struct {
		path, tampered string // the query after signing
		status         int
	}{
		"a query":                {path: "/v1/pools/" + demoPool + "/identities?maxResults=5&hideDisabled=true", status: 200},
		"an escaped provider":    {path: strings.ReplaceAll(tagsOfProvider, "POOL", demoPool), status: 200},
		"another query than his": {path: "/v1/pools/" + demoPool + "/identities?maxResults=5", tampered: "maxResults=6", status: 401},
	} {
		r, err := http.NewRequestWithContext(t.Context(), get, b.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		who, err := admin().Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := v4.NewSigner().SignHTTP(t.Context(), who, r, hex.EncodeToString(empty[:]), "cognito-identity", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		if c.tampered != "" {
			r.URL.RawQuery = c.tampered
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.status {
			t.Errorf("%s: got %d, want %d", name, response.StatusCode, c.status)
		}
	}
}
