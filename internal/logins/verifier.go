package logins

import (
	"context"
	"fmt"
	"slices"

	"github.com/cognito-broker/broker/internal/loginkey"
)

// Verifier proves logins at one provider, by the rules of the provider's kind. It is safe
// for concurrent use, and remembers no proof: the Prover does.
type Verifier interface {
	// Verify judges a token, and says whose login it is. It fails with *Refused where the
	// token was looked at and proves nothing, with *Unavailable where the provider could not
	// be asked, with *Limited where it was not, and with ctx's error; never with one for the
	// other. No error holds the token.
	Verify(ctx context.Context, token string) (*Proof, error)
	// Recall is the proof of a token that Verify has taken, the very same bytes, of which a
	// remembered proof is kept: it has the claims again. It fails for what Verify does not take.
	Recall(kept *Proof, token string) (*Proof, error)
	// Ask asks the provider now, however lately it was asked, for what tokens are judged by,
	// and says what it found there. It fails with what is wrong with the provider or with its
	// configuration.
	Ask(ctx context.Context) (found string, err error)
	// Run keeps up what tokens are judged by, until ctx ends; it returns after requests under
	// way.
	Run(ctx context.Context)
}

// newVerifier makes the verifier of a provider's kind. It fails for a kind that has none yet.
func newVerifier(p Provider, c *Config) (Verifier, error) {
	switch p.Kind {
	case "", loginkey.OIDC:
		return newOIDC(p, c), nil
	case loginkey.UserPool:
		return newUserPool(p, c)
	case loginkey.Google:
		return newGoogle(p, c), nil
	case loginkey.Apple:
		return newApple(p, c), nil
	case loginkey.Facebook:
		return newFacebook(p, c)
	case loginkey.Amazon:
		return newAmazon(p, c)
	case loginkey.SAML:
		return newSAML(p, c)
	case loginkey.Twitter, loginkey.Digits:
		return nil, fmt.Errorf("login provider %s: logins of Twitter and Digits are not served", p.Name)
	}
	return nil, fmt.Errorf("login provider %s: the kind %s is not built", p.Name, p.Kind)
}

// issuers are those whose tokens are Cognito's own.
type issuers []string

// refuse refuses a token of one of them: no provider vouches by it.
func (all issuers) refuse(issuer string) error {
	if issuer != "" && slices.Contains(all, issuer) {
		return refuse(msgCognito, nil)
	}
	return nil
}
