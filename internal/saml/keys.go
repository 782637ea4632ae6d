package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Bounds of keys to decrypt with: a Response that nobody signed may have all of them tried.
const (
	maxKeys        = 4
	maxDecryptBits = 4096
)

// readKeys reads RSA private keys in PEM, of PKCS #1 or #8. What else stands in the file, a
// certificate for one, is passed over.
func readKeys(file []byte) (keys []*rsa.PrivateKey, err error) {
	if len(file) == 0 {
		return nil, nil
	}
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		var key any
		switch block.Type {
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("one is encrypted: store it as it is, readable by the broker alone")
		default:
			continue
		}
		own, isRSA := key.(*rsa.PrivateKey)
		if err != nil || !isRSA {
			return nil, errors.New("one is no RSA private key")
		}
		if bits := own.N.BitLen(); bits < minBits || bits > maxDecryptBits {
			return nil, fmt.Errorf("one has %d bits, want %d to %d", bits, minBits, maxDecryptBits)
		}
		keys = append(keys, own)
	}
	switch {
	case len(keys) == 0:
		return nil, errors.New("there is no private key in PEM")
	case len(keys) > maxKeys:
		return nil, fmt.Errorf("there are %d, want at most %d", len(keys), maxKeys)
	}
	return keys, nil
}
