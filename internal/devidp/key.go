// Package devidp is the development identity provider: its key file, its
// documents, its tokens. It signs for any user name, so it exists in development
// only. It serves nothing; httpapi publishes its documents.
package devidp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

const (
	keyBits  = 2048
	pemBlock = "PRIVATE KEY"
	maxBytes = 16 << 10 // of a key file
)

// Key signs the provider's tokens. It is safe for concurrent use.
type Key struct {
	private *rsa.PrivateKey
	id      string
}

// LoadOrCreateKey reads the key at path, or makes one there with mode 0600. Of
// processes that race to make it one wins, and all use the winner's. An empty
// path makes a key that lives in memory only. A file that others may read is
// refused.
func LoadOrCreateKey(path string) (*Key, error) {
	if path == "" {
		private, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return nil, fmt.Errorf("make key: %w", err)
		}
		return newKey(private)
	}
	key, err := load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make key file: %w", err)
	}
	return load(path)
}

func load(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s may be read by others (mode %o); expected 0600", path, info.Mode().Perm())
	}
	if info.Size() > maxBytes {
		return nil, fmt.Errorf("key file %s is too large", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemBlock || len(rest) > 0 {
		return nil, fmt.Errorf("key file %s holds no PEM private key", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key file %s holds no PKCS #8 key", path)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < keyBits {
		return nil, fmt.Errorf("key file %s holds no RSA key of at least %d bits", path, keyBits)
	}
	return newKey(private)
}

// create writes a whole key file beside path and links it into place: nobody
// ever reads half a key.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".dev-idp-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = pem.Encode(f, &pem.Block{Type: pemBlock, Bytes: der})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

func newKey(private *rsa.PrivateKey) (*Key, error) {
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("name key: %w", err)
	}
	sum := sha256.Sum256(der)
	return &Key{private: private, id: "dev-" + base64.RawURLEncoding.EncodeToString(sum[:9])}, nil
}

// JWKS is the JSON Web Key Set with the public key.
func (k *Key) JWKS() []byte {
	return mustJSON(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: &k.private.PublicKey, KeyID: k.id, Algorithm: string(jose.RS256), Use: "sig",
	}}})
}

// String keeps the key out of logs.
func (k *Key) String() string { return "devidp.Key(" + k.id + ")" }

// GoString keeps the key out of test output.
func (k *Key) GoString() string { return k.String() }
