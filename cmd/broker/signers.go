package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/saml"
	"github.com/cognito-broker/broker/internal/settings"
)

// signer is what the files of a login provider say of whom to believe.
type signer struct {
	entity string   // of SAML metadata
	keys   [][]byte // each: a key of jwks_file or of metadata_file, or a certificate of ca_file
}

// signers are those of the login providers that have such files, by their names, as they were at
// the start: what a running broker reads later is the same provider's, and no other setting.
type signers map[string]signer

func signersOf(c *config.Config) (signers, error) {
	all := signers{}
	for i := range c.LoginProviders {
		p := &c.LoginProviders[i]
		own, err := signerOf(p)
		if err != nil {
			return nil, fmt.Errorf("login_providers[%d]: %w", i, err)
		}
		all[p.Provider] = own
	}
	return all, nil
}

func signerOf(p *config.LoginProvider) (s signer, err error) {
	if p.JWKSFile != "" {
		text, err := p.ReadFile("jwks_file")
		if err != nil {
			return s, err
		}
		s.keys = append(s.keys, keysOfSet(text)...)
	}
	if p.CAFile != "" {
		text, err := p.ReadFile("ca_file")
		if err != nil {
			return s, err
		}
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			s.keys = append(s.keys, block.Bytes)
		}
	}
	if p.Kind == loginkey.SAML {
		text, err := p.ReadFile("metadata_file")
		if err != nil {
			return s, err
		}
		provider, err := saml.New(saml.Config{Metadata: text})
		if err != nil {
			return s, err
		}
		s.entity, s.keys = provider.EntityID(), append(s.keys, provider.Signers()...)
	}
	return s, nil
}

// keysOfSet are the keys of a JWK set, each as it is spelt but for blanks.
func keysOfSet(text []byte) (keys [][]byte) {
	var set struct{ Keys []json.RawMessage }
	if json.Unmarshal(text, &set) != nil {
		return [][]byte{text}
	}
	for _, one := range set.Keys {
		var key bytes.Buffer
		if json.Compact(&key, one) == nil {
			keys = append(keys, key.Bytes())
		}
	}
	return keys
}

// signer adds what a provider's files say: one more key ends nothing, as keys that roll over come
// before others go, and one less does.
func (d digester) signer(unit *settings.Unit, s signer) {
	for _, key := range s.keys {
		unit.Allowed = append(unit.Allowed, d.of("signer", key))
	}
}
