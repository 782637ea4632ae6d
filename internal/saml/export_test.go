package saml

// Bounds that tests go up to.
const (
	MaxText       = maxText
	MaxDepth      = maxDepth
	MaxElements   = maxElements
	MaxAttributes = maxAttributes
)

// ReadWithoutOutline is Read by the library and the verifier of signatures alone: what
// outline refuses, they must not believe either.
func (p *Provider) ReadWithoutOutline(document []byte) (*Login, error) {
	now := p.now()
	assertion, err := p.parse(document, &seen{names: map[string]bool{}}, now)
	if err != nil {
		return nil, err
	}
	return readLogin(assertion, now)
}
