// Package idptest runs a small, real OpenID Connect issuer for tests: discovery,
// keys and ID tokens with real RSA signatures, good ones and forged ones, and the
// faults that issuers have.
package idptest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
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
	// URL is iss of its tokens. A test may put a slash behind it before it asks for
	// anything: many issuers end in one.
	URL string
	// Fetches counts requests for the key set, Discoveries those for the
	// discovery document.
	Fetches, Discoveries atomic.Int32

	mu     sync.Mutex
	key    *rsa.PrivateKey
	keyID  string
	fault  http.HandlerFunc
	serves http.HandlerFunc // of the key set; nil: its own
	now    func() time.Time
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
	i := New("")
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// New is an issuer that a test serves itself: see InProcess.
func New(url string) *Issuer { return &Issuer{URL: url, key: Key(0), keyID: "k0", now: time.Now} }

// Name is the issuer's key in Logins.
func (i *Issuer) Name() string { return strings.TrimPrefix(i.base(), "http://") }

// base is where it lives.
func (i *Issuer) base() string { return strings.TrimSuffix(i.URL, "/") }

// SetNow gives tokens another time.
func (i *Issuer) SetNow(now func() time.Time) { i.mu.Lock(); i.now = now; i.mu.Unlock() }

// SetKeyID signs under another key id from now on.
func (i *Issuer) SetKeyID(id string) { i.mu.Lock(); i.keyID = id; i.mu.Unlock() }

// Rotate signs with another key from now on, and withdraws the old one.
func (i *Issuer) Rotate() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.keyID = Key(1), "k1"
}

// ServeKeys answers fetches of the key set by serves; nil: by its own keys.
func (i *Issuer) ServeKeys(serves http.HandlerFunc) { i.mu.Lock(); i.serves = serves; i.mu.Unlock() }

// Break answers all fetches by fault; nil mends the issuer.
func (i *Issuer) Break(fault http.HandlerFunc) { i.mu.Lock(); i.fault = fault; i.mu.Unlock() }

// ServeHTTP answers what is asked for.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	fault, serves, key, id := i.fault, i.serves, i.key, i.keyID
	i.mu.Unlock()
	keysAsked := isKeys(r.URL.Path)
	if keysAsked {
		i.Fetches.Add(1)
	} else {
		i.Discoveries.Add(1)
	}
	switch {
	case fault != nil:
		fault(w, r)
	case keysAsked && serves != nil:
		serves(w, r)
	case keysAsked:
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: id,
			Use: "sig"}}})
	case r.URL.Path == "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.base() + "/keys"})
	default:
		http.NotFound(w, r)
	}
}

// isKeys reports whether a path is one under which its key set is: it is also where a user
// pool's is, whatever its id, Apple's and that of Facebook's Limited Login.
func isKeys(path string) bool {
	return path == "/keys" || path == "/auth/keys" || strings.HasSuffix(path, "/.well-known/jwks.json") ||
		path == "/.well-known/oauth/openid/jwks/"
}

// Token is a good ID token, but for the claims that override.
func (i *Issuer) Token(override Claims) string {
	i.mu.Lock()
	key, id := i.key, i.keyID
	i.mu.Unlock()
	return i.Sign(override, jose.RS256, key, id)
}

// SignRaw signs a header and a payload as they stand, RS256 by the issuer's key: also
// such as no encoder would write.
func (i *Issuer) SignRaw(header, payload string) string {
	i.mu.Lock()
	key := i.key
	i.mu.Unlock()
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(payload))
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		panic(fmt.Sprintf("sign: %v", err))
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Header is that of its tokens, with members beside.
func (i *Issuer) Header(members string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return `{"alg":"RS256","kid":"` + i.keyID + `"` + members + `}`
}

// Payload is that of a good token of a user, with members beside. What they hold is not
// looked at.
func (i *Issuer) Payload(user, members string) string {
	i.mu.Lock()
	now := i.now().Unix()
	i.mu.Unlock()
	return fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":%q,"iat":%d,"exp":%d%s}`, i.URL, user, ClientID, now, now+3600, members)
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
