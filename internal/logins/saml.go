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
	reader  *saml.Provider
	onFetch func(provider string, err error)
}

func newSAML(p Provider, c *Config) (*samlProvider, error) {
	if p.SAML == nil {
		return nil, fmt.Errorf("login provider %s: the kind saml needs metadata", p.Name)
	}
	config := *p.SAML
	config.Now = c.Now
	reader, err := saml.New(config)
	if err != nil {
		return nil, fmt.Errorf("login provider %s: %w", p.Name, err)
	}
	return &samlProvider{Provider: p, reader: reader, onFetch: c.OnFetch}, nil
}

// Verify reads a Response. Its proof holds for at most 5 minutes from the assertion's
// IssueInstant, and ends at each NotOnOrAfter.
func (s *samlProvider) Verify(_ context.Context, token string) (*Proof, error) {
	login, err := s.reader.Read(token)
	if refused, ok := errors.AsType[*saml.Refused](err); ok {
		return nil, refuse(messageOf(refused.Check), refused)
	}
	if err != nil {
		return nil, &Unavailable{Provider: s.Name, cause: err}
	}
	return &Proof{
		Provider: s.Name, Subject: login.NameID, Expires: login.Ends,
		Standing: Until(login.Ends, nil), claims: claimsOf(login),
	}, nil
}

// Recall reads a Response again, as Verify does: what stands in it beside what was signed is
// nobody's claim, and only the signature tells the two apart.
func (s *samlProvider) Recall(kept *Proof, token string) (*Proof, error) {
	login, err := s.reader.Read(token)
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

// Ask says whose metadata it is, and how many signing certificates of it can be used. It
// fails once the metadata has expired.
func (s *samlProvider) Ask(context.Context) (found string, err error) {
	if err := s.reader.Check(); err != nil {
		return "", err
	}
	usable, unusable := s.reader.Certificates()
	found = fmt.Sprintf("metadata of %s with %d usable signing certificates", s.reader.EntityID(), usable)
	if unusable > 0 {
		found += fmt.Sprintf(", and %d that cannot be used", unusable)
	}
	return found, nil
}

// Run tells OnFetch whether the metadata can be relied on, at the start and when that changes,
// until ctx ends.
func (s *samlProvider) Run(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for told, before := false, false; ; told = true {
		err := s.reader.Check()
		if expired := err != nil; !told || expired != before {
			s.onFetch(s.Name, err)
			before = expired
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
