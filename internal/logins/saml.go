package logins

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cognito-broker/broker/internal/saml"
)

// Texts of refusals of SAML Responses. Those of the service were not seen.
const (
	msgNoSAML      = "Invalid login token. Not a valid SAML response."
	msgSAMLExpired = "Invalid login token. Token expired."
	msgSAMLEarly   = "Invalid login token. Token is not valid yet."
)

// claimNameIDFormat is the claim that tells a NameID's format, under IAM's name for it and in
// IAM's words: persistent, transient, or the URI of another. It is absent where none is given.
const claimNameIDFormat = "saml:sub_type"

// samlProvider proves logins at a SAML provider by its Responses. It asks nobody: all is in
// the configuration. A Response may be handed in again while it is good, and has no client.
type samlProvider struct {
	Provider
	metadata *samlMetadata
	onFetch  func(provider string, err error)
}

func newSAML(p Provider, c *Config) (*samlProvider, error) {
	if p.SAML == nil {
		return nil, fmt.Errorf("login provider %s: the kind saml needs metadata", p.Name)
	}
	config := *p.SAML
	config.Now = c.Now
	metadata, err := newSAMLMetadata(config, p.Metadata)
	if err != nil {
		return nil, fmt.Errorf("login provider %s: %w", p.Name, err)
	}
	metadata.onKeys = func(added, gone int) { c.OnKeys(p.Name, added, gone) }
	return &samlProvider{Provider: p, metadata: metadata, onFetch: c.OnFetch}, nil
}

// Verify reads a Response. Its proof holds for at most 5 minutes from the assertion's
// IssueInstant, ends at each NotOnOrAfter, and when other metadata is read.
func (s *samlProvider) Verify(ctx context.Context, token string) (*Proof, error) {
	reader := s.metadata.state.Load().reader
	login, err := reader.Read(token)
	if err != nil && ofMetadata(err) {
		s.metadata.reread(ctx)
		if newer := s.metadata.state.Load().reader; newer != reader {
			reader = newer
			login, err = reader.Read(token)
		}
	}
	if refused, ok := errors.AsType[*saml.Refused](err); ok {
		return nil, refuse(messageOf(refused.Check), refused)
	}
	if err != nil {
		return nil, &Unavailable{Provider: s.Name, cause: err}
	}
	return &Proof{
		Provider: s.Name, Subject: login.NameID, Expires: login.Ends,
		Standing: Until(login.Ends, &samlBasis{s.metadata, reader}), claims: claimsOf(login),
	}, nil
}

// ofMetadata reports whether newer metadata may make a Response good.
func ofMetadata(err error) bool {
	if _, expired := errors.AsType[*saml.MetadataExpired](err); expired {
		return true
	}
	refused, ok := errors.AsType[*saml.Refused](err)
	return ok && refused.Check == saml.Signature
}

// Recall reads a Response again, as Verify does: what stands in it beside what was signed is
// nobody's claim, and only the signature tells the two apart.
func (s *samlProvider) Recall(kept *Proof, token string) (*Proof, error) {
	login, err := s.metadata.state.Load().reader.Read(token)
	if err != nil {
		return nil, err
	}
	return kept.with(claimsOf(login)), nil
}

// messageOf is what callers are told of a check that refused a Response.
func messageOf(check saml.Check) string {
	switch check {
	case saml.Signature:
		return msgSignature
	case saml.Issuer:
		return msgIssuer
	case saml.Audience, saml.Recipient:
		return msgAudience
	case saml.Expired:
		return msgSAMLExpired
	case saml.Early:
		return msgSAMLEarly
	}
	return msgNoSAML
}

// claimsOf are the attributes by their full names: a text, or a list where there are several
// values or none; and the format of the NameID, which no attribute stands in for.
func claimsOf(l *saml.Login) map[string]any {
	claims := make(map[string]any, len(l.Attributes)+1)
	for name, values := range l.Attributes {
		if len(values) == 1 {
			claims[name] = values[0]
			continue
		}
		list := make([]any, len(values))
		for i, value := range values {
			list[i] = value
		}
		claims[name] = list
	}
	delete(claims, claimNameIDFormat)
	switch {
	case l.Transient():
		claims[claimNameIDFormat] = "transient"
	case l.Format == saml.PersistentID:
		claims[claimNameIDFormat] = "persistent"
	case l.Format != "":
		claims[claimNameIDFormat] = l.Format
	}
	return claims
}

// soon is how long before the end of metadata Ask says so.
const soon = 14 * 24 * time.Hour

// Ask reads the metadata, and says whose it is, how many signing certificates of it can be used,
// and whether it ends soon. It fails once the metadata has expired, or cannot be read again.
func (s *samlProvider) Ask(ctx context.Context) (found string, err error) {
	if s.Metadata != nil {
		s.metadata.mu.Lock()
		s.metadata.load(ctx)
		s.metadata.mu.Unlock()
	}
	state := s.metadata.state.Load()
	if err := state.check(); err != nil {
		return "", err
	}
	usable, unusable := state.reader.Certificates()
	found = fmt.Sprintf("metadata of %s with %d usable signing certificates", state.reader.EntityID(), usable)
	if unusable > 0 {
		found += fmt.Sprintf(", and %d that cannot be used", unusable)
	}
	if ends := state.reader.Ends(); !ends.IsZero() && ends.Sub(s.metadata.config.Now()) < soon {
		found += "; it expires soon, at " + ends.UTC().Format(time.RFC3339) + " (validUntil): fetch it again"
	}
	return found, nil
}

// check fails where the metadata cannot be relied on, or not be read again.
func (s *samlState) check() error { return errors.Join(s.reader.Check(), s.failed) }

// Run reads the metadata again each minute, and tells OnFetch whether it can be relied on, at the
// start and when that changes, until ctx ends.
func (s *samlProvider) Run(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for told, before := false, false; ; told = true {
		s.metadata.reread(ctx)
		err := s.metadata.state.Load().check()
		if failed := err != nil; !told || failed != before {
			s.onFetch(s.Name, err)
			before = failed
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
