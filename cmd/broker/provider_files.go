package main

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/saml"
)

// addFiles adds what stands in the files that a login provider names, and says what is wrong with
// them in the form of all errors of the configuration. path is the provider's.
func addFiles(to *logins.Provider, p *config.LoginProvider, path string) error {
	if p.JWKSFile != "" {
		// Whoever changes the keys changes the file: it is read each time that they are asked for.
		to.Keys = func(context.Context) ([]byte, error) { return p.ReadFile("jwks_file") }
		set, err := p.ReadFile("jwks_file")
		if err == nil {
			_, err = logins.CheckKeys(set, p.Algorithms)
		}
		if err != nil {
			return p.Fault(path, "jwks_file", err)
		}
	}
	if p.CAFile != "" {
		text, err := p.ReadFile("ca_file")
		if err != nil {
			return p.Fault(path, "ca_file", err)
		}
		to.Roots = x509.NewCertPool()
		to.Roots.AppendCertsFromPEM(text) // the configuration holds some
	}
	if p.Kind != loginkey.SAML {
		return nil
	}
	to.Metadata = func(context.Context) ([]byte, error) { return p.ReadFile("metadata_file") }
	var err error
	to.SAML, err = samlConfig(p, path)
	return err
}

// samlConfig reads the files of a SAML provider, and says what is wrong with them and with its lists.
func samlConfig(p *config.LoginProvider, path string) (*saml.Config, error) {
	s := &saml.Config{Recipients: p.Recipients, Audiences: p.Audiences}
	var err error
	if s.Metadata, err = p.ReadFile("metadata_file"); err != nil {
		return nil, p.Fault(path, "metadata_file", err)
	}
	if p.DecryptionKeysFile != "" {
		if s.DecryptionKeys, err = p.ReadFile("decryption_keys_file"); err != nil {
			return nil, p.Fault(path, "decryption_keys_file", err)
		}
	}
	_, err = saml.New(*s)
	if wrong, ok := errors.AsType[*saml.ConfigError](err); ok {
		return nil, p.Fault(path, samlKeys[wrong.Field], wrong.Cause)
	}
	return s, err
}

// samlKeys are the keys of the configuration that fill the fields of a saml.Config.
var samlKeys = map[string]string{
	"Metadata": "metadata_file", "DecryptionKeys": "decryption_keys_file", "Recipients": "recipients",
	"Audiences": "audiences",
}
