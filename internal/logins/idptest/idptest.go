// Package idptest runs a small, real OpenID Connect issuer for tests: discovery,
// keys and ID tokens with real RSA signatures, good ones and forged ones, and the
// faults that issuers have.
package idptest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ClientID is the client that tokens are made for.
const ClientID = "web-app"

// Claims override a token's claims; nil removes one.
type Claims map[string]any

// Issuer is a running issuer. Its switches may be turned at any time.
type Issuer struct {
	URL string // iss of its tokens
	// Fetches counts requests for the key set, Discoveries those for the
	// discovery document.
	Fetches, Discoveries atomic.Int32

	mu    sync.Mutex
	key   *rsa.PrivateKey
	keyID string
	fault http.HandlerFunc
	now   func() time.Time
}

// Key returns one of the process's RSA keys; making one takes long.
func Key(n int) *rsa.PrivateKey {
	k, err := keys[n]()
	if err != nil {
		panic(err)
	}
	return k
}

var keys = [3]func() (*rsa.PrivateKey, error){sync.OnceValues(newKey), sync.OnceValues(newKey), sync.OnceValues(newKey)}

func newKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

// Start runs an issuer until the test ends.
func Start(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{key: Key(0), keyID: "k0", now: time.Now}
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Name is the issuer's key in Logins.
func (i *Issuer) Name() string { return strings.TrimPrefix(i.URL, "http://") }

// SetNow gives tokens another time.
func (i *Issuer) SetNow(now func() time.Time) { i.mu.Lock(); i.now = now; i.mu.Unlock() }

// Rotate signs with another key from now on, and withdraws the old one.
func (i *Issuer) Rotate() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.keyID = Key(1), "k1"
}

// Break answers all fetches by fault; nil mends the issuer.
func (i *Issuer) Break(fault http.HandlerFunc) { i.mu.Lock(); i.fault = fault; i.mu.Unlock() }

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	fault, key, id := i.fault, i.key, i.keyID
	i.mu.Unlock()
	keysAsked := r.URL.Path == "/keys"
	if keysAsked {
		i.Fetches.Add(1)
	} else {
		i.Discoveries.Add(1)
	}
	switch {
	case fault != nil:
		fault(w, r)
	case keysAsked:
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: id, Use: "sig"}}})
	default:
		json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	}
}

// Token is a good ID token, but for the claims that override.
func (i *Issuer) Token(override Claims) string {
	i.mu.Lock()
	key, id := i.key, i.keyID
	i.mu.Unlock()
	return i.Sign(override, jose.RS256, key, id)
}

// Sign makes a token with any key and algorithm.
func (i *Issuer) Sign(override Claims, algorithm jose.SignatureAlgorithm, key any, id string) string {
	i.mu.Lock()
	now := i.now()
	i.mu.Unlock()
	claims := Claims{"iss": i.URL, "sub": "alice", "aud": ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(claims, override)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	options := &jose.SignerOptions{}
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		panic(fmt.Sprintf("make signer: %v", err))
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(fmt.Sprintf("sign: %v", err))
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(fmt.Sprintf("serialise: %v", err))
	}
	return token
}
