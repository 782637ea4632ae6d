package config

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
)

// Bounds of the files that a login provider names, in bytes; IAM's own for metadata.
const (
	maxKeysFile     = 1 << 20
	maxMetadataFile = 10_000_000
)

// providerFile is a file that a login provider names: what is expected of it, and what is
// wrong with its text.
type providerFile struct {
	key, name, expected string
	limit               int64
	fault               func(text []byte) string // nil: whoever reads it says; empty: nothing
}

func (p *LoginProvider) files() []providerFile {
	return []providerFile{
		{"jwks_file", p.JWKSFile, "a readable file with a JWK set", maxKeysFile, nil},
		{"ca_file", p.CAFile, "a readable file with certificates in PEM", maxKeysFile, faultOfCertificates},
		{"metadata_file", p.MetadataFile, "a readable file with SAML metadata", maxMetadataFile, faultOfMetadata},
		{"decryption_keys_file", p.DecryptionKeysFile, "a readable file with private keys in PEM", maxKeysFile, faultOfKeys},
	}
}

// checkProviderFiles reads the files that login providers name, so that a wrong name
// shows at the start and not in a user's login.
func (c *Config) checkProviderFiles() error {
	for i := range c.LoginProviders {
		for _, f := range c.LoginProviders[i].files() {
			if err := f.check(at("login_providers", i) + "." + f.key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f providerFile) check(path string) error {
	if f.name == "" {
		return nil
	}
	text, err := f.read()
	if err != nil {
		return refuse(path, "names a file that "+err.Error(), f.expected)
	}
	if f.fault == nil {
		return nil
	}
	if fault := f.fault(text); fault != "" {
		return refuse(path, "names a file "+fault, f.expected)
	}
	return nil
}

func (f providerFile) read() ([]byte, error) {
	text, _, err := readFile(f.name, f.limit)
	return text, err
}

// ReadFile reads a file that the provider names by a key, such as jwks_file, within the bound of
// such files. An error tells no name.
func (p *LoginProvider) ReadFile(key string) ([]byte, error) {
	f, err := p.file(key)
	if err != nil {
		return nil, err
	}
	return f.read()
}

// Fault is the error about a provider's key whose value, or what stands in its file, turned out
// to be of no use, in the form of all errors of the configuration. path is the provider's. cause
// must quote nothing secret.
func (p *LoginProvider) Fault(path, key string, cause error) error {
	if f, err := p.file(key); err == nil {
		return refuse(path+"."+key, "names a file that is of no use ("+cause.Error()+")", f.expected)
	}
	return refuse(path+"."+key, "is of no use ("+cause.Error()+")", "URIs as a Response of the provider has them")
}

func (p *LoginProvider) file(key string) (providerFile, error) {
	all := p.files()
	i := slices.IndexFunc(all, func(f providerFile) bool { return f.key == key })
	if i < 0 {
		return providerFile{}, errors.New("is no file")
	}
	return all[i], nil
}

func faultOfCertificates(text []byte) string {
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return "without certificates"
	}
	return ""
}

func faultOfMetadata(text []byte) string {
	if !bytes.Contains(text, []byte("EntityDescriptor")) {
		return "without an EntityDescriptor"
	}
	return ""
}

func faultOfKeys(text []byte) string {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return ""
		}
	}
	return "without private keys"
}
