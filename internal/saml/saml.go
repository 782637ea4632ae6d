// Package saml proves logins at a SAML 2.0 identity provider: from the provider's metadata and
// a Response that somebody hands in it makes a Login, or says which check refused it. It rests
// on crewjam/saml for the profile of the web browser's single sign-on, and closes what that
// library leaves open: document types, algorithms that are not listed here, sizes, assertions
// beside the one that is signed, and certificates that a message brings along. It asks nobody,
// keeps nothing, and knows no pools and no HTTP.
package saml

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// What a Response is for where it is for AWS: an assertion must name one of these, or one that
// is configured.
const (
	AWSSignIn   = "https://signin.aws.amazon.com/saml" // recipient and audience
	AWSServices = "urn:amazon:webservices"             // audience
)

// Bounds of time.
const (
	MaxAge = 5 * time.Minute // of a Response and of its assertion, by IssueInstant
	Skew   = 3 * time.Minute // between the provider's clock and ours, in NotBefore and NotOnOrAfter
)

// The library has these for the whole process. Nobody else imports it.
func init() {
	saml.MaxIssueDelay, saml.MaxClockSkew = MaxAge, Skew
}

// maxRecipients bounds the recipients and the audiences that are configured, each.
const maxRecipients = 100

// Config is how a provider is set up.
type Config struct {
	// Metadata is the provider's metadata: an EntityDescriptor, or an EntitiesDescriptor that
	// holds one identity provider. Each signing certificate in it counts, whenever it ends.
	Metadata []byte
	// DecryptionKeys are RSA private keys in PEM, to which the provider may encrypt; empty:
	// what is encrypted is refused.
	DecryptionKeys []byte
	// Recipients and Audiences are accepted beside AWS's own.
	Recipients, Audiences []string
	Now                   func() time.Time // nil: the system's clock
}

// Provider reads the Responses of one identity provider. It is safe for concurrent use.
type Provider struct {
	metadata   *metadata
	keys       int // to decrypt with
	recipients []url.URL
	audiences  []string
	now        func() time.Time
	library    saml.ServiceProvider // copied for each Response
}

// ConfigError says what is wrong with a field of a Config, in words for its author.
type ConfigError struct {
	Field string
	Cause error
}

func (c *ConfigError) Error() string { return c.Field + ": " + c.Cause.Error() }

// Unwrap returns the cause.
func (c *ConfigError) Unwrap() error { return c.Cause }

// New checks a configuration. It fails with *ConfigError.
// Metadata that has expired is no failure here: Check tells, and Read.
func New(c Config) (*Provider, error) {
	m, err := readMetadata(c.Metadata)
	if err != nil {
		return nil, &ConfigError{"Metadata", err}
	}
	keys, err := readKeys(c.DecryptionKeys)
	if err != nil {
		return nil, &ConfigError{"DecryptionKeys", err}
	}
	recipients, err := readRecipients(c.Recipients)
	if err != nil {
		return nil, &ConfigError{"Recipients", err}
	}
	if len(c.Audiences) > maxRecipients {
		return nil, &ConfigError{"Audiences", fmt.Errorf("more than %d", maxRecipients)}
	}
	if slices.Contains(c.Audiences, "") {
		return nil, &ConfigError{"Audiences", errors.New("one is empty")}
	}
	p := &Provider{
		metadata: m, keys: len(keys), recipients: recipients,
		audiences: append(slices.Clone(c.Audiences), AWSSignIn, AWSServices), now: c.Now,
	}
	if p.now == nil {
		p.now = time.Now
	}
	p.library = saml.ServiceProvider{
		IDPMetadata:                 m.entity,
		AllowIDPInitiated:           true,
		ValidateRequestID:           anyRequest,
		ValidateAudienceRestriction: p.audience,
		RejectUnknownConditions:     true,
		RejectExpiredIDPMetadata:    true,
		RejectSHA1Signatures:        true,
		RequireSignedResponseForCBC: true,
	}
	if len(keys) > 0 {
		p.library.EncryptionKey, p.library.DecryptionKeys = keys[0], keys[1:]
	}
	return p, nil
}

// readRecipients reads URLs, and puts AWS's behind them. The library compares them as it
// would write them, so they must be written so.
func readRecipients(configured []string) (all []url.URL, err error) {
	if len(configured) > maxRecipients {
		return nil, fmt.Errorf("more than %d", maxRecipients)
	}
	for _, text := range append(slices.Clone(configured), AWSSignIn) {
		u, err := url.Parse(text)
		if err != nil || !u.IsAbs() || u.String() != text {
			return nil, errors.New("one is not a URL as it is written in a Response")
		}
		all = append(all, *u)
	}
	return all, nil
}

// anyRequest accepts any InResponseTo: the app asked the provider, and only it knows the ID.
func anyRequest(saml.Response, []string) error { return nil }

// EntityID is the provider's name for itself, the Issuer of its messages.
func (p *Provider) EntityID() string { return p.metadata.entity.EntityID }

// Certificates returns how many signing certificates of the metadata may verify a message, and
// how many cannot: not read, of another kind than RSA and ECDSA, or with too short a key.
func (p *Provider) Certificates() (usable, unusable int) {
	return len(p.metadata.certificates), p.metadata.unusable
}

// Signers are the keys of the usable certificates, each in DER (SubjectPublicKeyInfo).
func (p *Provider) Signers() (keys [][]byte) {
	for _, certificate := range p.metadata.certificates {
		keys = append(keys, certificate.RawSubjectPublicKeyInfo)
	}
	return keys
}

// Ends is when the metadata must not be relied on any more; zero: it does not say.
func (p *Provider) Ends() time.Time { return p.metadata.entity.ValidUntil }

// Check fails with *MetadataExpired once the metadata must not be relied on.
func (p *Provider) Check() error { return p.metadata.check(p.now()) }

// Read proves a login by the base64 of a Response, as a browser posts it. It fails with
// *Refused, which holds nothing of the Response, or with *MetadataExpired, which says nothing
// about it. A Response is read as often as it is handed in, as long as it is good.
func (p *Provider) Read(response string) (*Login, error) {
	now := p.now()
	if err := p.metadata.check(now); err != nil {
		return nil, err
	}
	document, err := decode(response)
	if err != nil {
		return nil, err
	}
	seen, err := outline(document)
	if err != nil {
		return nil, err
	}
	if seen.encrypted && p.keys == 0 {
		return nil, refuse(Encryption, "the assertion is encrypted, and there is no key to decrypt it")
	}
	assertion, err := p.parse(document, seen, now)
	if err != nil {
		return nil, err
	}
	return readLogin(assertion, now)
}

// parse has the library judge a Response, as received at its Destination, if that is one of
// our recipients; another is refused there, as is none in a Response that is signed.
func (p *Provider) parse(document []byte, seen *seen, now time.Time) (*saml.Assertion, error) {
	at := p.recipients[0]
	for _, recipient := range p.recipients {
		if recipient.String() == seen.destination {
			at = recipient
		}
	}
	r := &reading{provider: p, library: p.library}
	r.library.AcsURL, r.library.Clock, r.library.SignatureVerifier = at, dsig.NewFakeClockAt(now), r
	assertion, err := r.library.ParseXMLResponse(document, nil, at)
	if err != nil {
		return nil, translate(err, seen)
	}
	return assertion, nil
}

// reading is a Response on its way through the library, which knows of one recipient and
// would look for the provider's certificate in the message.
type reading struct {
	provider *Provider
	library  saml.ServiceProvider
}

var _ saml.SignedElementVerifier = (*reading)(nil)

// VerifySignature is what the library calls where a verifier cannot return what was signed;
// ours can.
func (r *reading) VerifySignature(c *dsig.ValidationContext, el *etree.Element) error {
	_, err := r.VerifySignedElement(c, el)
	return err
}

// VerifySignedElement returns what the signature that stands in an element covers, as it was
// digested, and has the library expect the recipient that it names, if that is one of ours. el
// is a copy of the element of the message, for us to change.
func (r *reading) VerifySignedElement(_ *dsig.ValidationContext, el *etree.Element) (*etree.Element, error) {
	signed, err := r.provider.metadata.verify(el)
	if err != nil {
		return nil, err
	}
	for _, data := range signed.FindElements("//SubjectConfirmation[@Method='" + bearer + "']/SubjectConfirmationData") {
		for _, recipient := range r.provider.recipients {
			if recipient.String() == data.SelectAttrValue("Recipient", "") {
				r.library.AcsURL = recipient
				return signed, nil
			}
		}
	}
	return signed, nil
}

// audience refuses an assertion that is not for us: each of its restrictions must hold an
// audience of ours (SAML Core, section 2.5.1.4).
func (p *Provider) audience(a *saml.Assertion) error {
	if len(a.Conditions.AudienceRestrictions) == 0 {
		return errAudience
	}
	for i := range a.Conditions.AudienceRestrictions {
		ours := func(one saml.Audience) bool { return slices.Contains(p.audiences, one.Value) }
		if !slices.ContainsFunc(a.Conditions.AudienceRestrictions[i].AllAudiences(), ours) {
			return errAudience
		}
	}
	return nil
}

var errAudience = errors.New("an AudienceRestriction holds no audience of ours")
