package saml

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/crewjam/saml"
)

// Bounds of metadata: it is its operator's own file, but may come from a federation.
const (
	maxMetadata     = 10_000_000 // bytes, as IAM has it
	maxCertificates = 32
	minBits         = 2048 // of an RSA key
	maxBits         = 8192
)

// metadata is what is read of a provider's metadata.
type metadata struct {
	entity       *saml.EntityDescriptor // its name, its end and its usable certificates alone
	certificates []*x509.Certificate    // usable ones, without a time of their own
	unusable     int
}

// check fails once the metadata has expired.
func (m *metadata) check(now time.Time) error {
	if until := m.entity.ValidUntil; !until.IsZero() && !now.Before(until) {
		return &MetadataExpired{At: until}
	}
	return nil
}

// readMetadata reads the metadata of one identity provider.
func readMetadata(file []byte) (*metadata, error) {
	switch {
	case len(file) == 0:
		return nil, errors.New("there is none")
	case len(file) > maxMetadata:
		return nil, fmt.Errorf("larger than %d bytes", maxMetadata)
	}
	if err := plainXML(file); err != nil {
		return nil, err
	}
	found, err := identityProviders(file)
	switch {
	case err != nil:
		return nil, err
	case len(found) != 1:
		return nil, fmt.Errorf("holds %d identity providers (IDPSSODescriptor), want 1", len(found))
	case found[0].EntityID == "":
		return nil, errors.New("the EntityDescriptor has no entityID")
	}
	m := &metadata{entity: &saml.EntityDescriptor{EntityID: found[0].EntityID, ValidUntil: found[0].ValidUntil}}
	for _, role := range found[0].IDPSSODescriptors {
		if role.ValidUntil != nil {
			m.entity.ValidUntil = earlier(m.entity.ValidUntil, *role.ValidUntil)
		}
		m.read(role.KeyDescriptors)
	}
	if len(m.certificates) == 0 {
		return nil, fmt.Errorf("has no signing certificate that can be used (RSA of %d to %d bits, or ECDSA), and %d that "+
			"cannot", minBits, maxBits, m.unusable)
	}
	return m, nil
}

// plainXML refuses what is not well-formed, and a document type.
func plainXML(file []byte) error {
	reader := xml.NewDecoder(bytes.NewReader(file))
	for {
		token, err := reader.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("is not well-formed XML: %w", err)
		}
		if _, is := token.(xml.Directive); is {
			return errors.New("has a document type (<!DOCTYPE)")
		}
	}
}

// identityProviders finds the entities that are identity providers, each with the earliest
// end of those that enclose it.
func identityProviders(file []byte) ([]saml.EntityDescriptor, error) {
	var one saml.EntityDescriptor
	if err := xml.Unmarshal(file, &one); err == nil {
		return identityProvidersOf(saml.EntitiesDescriptor{EntityDescriptors: []saml.EntityDescriptor{one}}), nil
	}
	var many saml.EntitiesDescriptor
	if err := xml.Unmarshal(file, &many); err != nil {
		return nil, fmt.Errorf("is no EntityDescriptor and no EntitiesDescriptor of SAML 2.0: %w", err)
	}
	return identityProvidersOf(many), nil
}

func identityProvidersOf(group saml.EntitiesDescriptor) (found []saml.EntityDescriptor) {
	for _, entity := range group.EntityDescriptors {
		if len(entity.IDPSSODescriptors) > 0 {
			found = append(found, entity)
		}
	}
	for _, inner := range group.EntitiesDescriptors {
		found = append(found, identityProvidersOf(inner)...)
	}
	for i := range found {
		if group.ValidUntil != nil {
			found[i].ValidUntil = earlier(found[i].ValidUntil, *group.ValidUntil)
		}
	}
	return found
}

// earlier is the earlier of two times; the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// read keeps the signing certificates that can be used: each is a container of a key, and its
// own period does not matter, as in IAM (Metadata Interoperability Profile, section 2.6.1).
func (m *metadata) read(keys []saml.KeyDescriptor) {
	for _, key := range keys {
		if key.Use != "" && key.Use != "signing" {
			continue
		}
		usable := key
		usable.Use, usable.KeyInfo.X509Data.X509Certificates = "signing", nil
		for _, written := range key.KeyInfo.X509Data.X509Certificates {
			certificate, err := readCertificate(written.Data)
			if err != nil || len(m.certificates) == maxCertificates {
				m.unusable++
				continue
			}
			m.certificates = append(m.certificates, certificate)
			usable.KeyInfo.X509Data.X509Certificates = append(usable.KeyInfo.X509Data.X509Certificates, written)
		}
		role := saml.IDPSSODescriptor{}
		role.KeyDescriptors = []saml.KeyDescriptor{usable}
		m.entity.IDPSSODescriptors = append(m.entity.IDPSSODescriptors, role)
	}
}

func readCertificate(written string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(written), ""))
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minBits || bits > maxBits {
			return nil, errors.New("the key has too few or too many bits")
		}
	case *ecdsa.PublicKey:
	default:
		return nil, errors.New("the key is of another kind")
	}
	certificate.NotBefore, certificate.NotAfter = time.Time{}, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	return certificate, nil
}
