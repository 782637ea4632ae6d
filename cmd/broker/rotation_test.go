package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/cognito"
)

// While the signing key is replaced again and again, clients get tokens, and no
// token is refused: by a verifier with a key set of its own, by STS, or by the
// broker itself.
func TestSigningKeyRotatesUnderLoad(t *testing.T) {
	t.Parallel()
	const clients, rotations, most = 6, 20, 400 // tokens of a client
	b := startBroker(t, nil, unlimited)
	front := startUpstream(t, b, b.url, unlimited)
	front.behind = b
	key := keyFile(t, adminAPIKey)
	var done atomic.Bool
	var kids sync.Map // of tokens, by the clients that were handed them
	var group sync.WaitGroup
	for n := range clients {
		broker := b
		if n%3 == 2 {
			broker = front
		}
		c := newBearer(t, broker, fmt.Sprint("client-", n))
		group.Go(func() {
			for range most {
				kid, err := c.turn(t.Context())
				if err != nil {
					t.Errorf("client %d: %v", n, err)
					return
				}
				kids.Store(kid, true)
				if done.Load() {
					return
				}
			}
		})
	}
	made := map[string]bool{}
	for range rotations {
		id, stderr := rotateWith(t.Context(), "-url", b.url, "-api-key-file", key)
		if stderr != "" || made[id] {
			t.Errorf("rotate: got %q %q, want a new key", id, stderr)
		}
		made[id] = true
	}
	done.Store(true)
	group.Wait()
	used := 0
	kids.Range(func(any, any) bool { used++; return true })
	if used < 3 {
		t.Errorf("got tokens of %d keys: this test would see nothing", used)
	}
}

// tokenBearer is a client that gets OpenID tokens and spends them at once, and the
// first of them again at each turn.
type tokenBearer struct {
	broker   *instance
	id       string
	logins   map[string]string
	verifier *oidc.IDTokenVerifier
	first    string
}

func newBearer(t *testing.T, b *instance, user string) *tokenBearer {
	t.Helper()
	c := &tokenBearer{broker: b, logins: b.login(t, user)}
	var err error
	if c.id, err = b.getID(t.Context(), demoPool, c.logins); err != nil {
		t.Fatal(err)
	}
	provider, err := oidc.NewProvider(t.Context(), b.engine().url)
	if err != nil {
		t.Fatal(err)
	}
	c.verifier = provider.Verifier(&oidc.Config{ClientID: demoPool})
	return c
}

// turn gets a token and returns the id of the key that signed it. Its errors hold
// no token.
func (c *tokenBearer) turn(ctx context.Context) (kid string, err error) {
	out, err := c.broker.sdk().GetOpenIdToken(ctx, &cognitoidentity.GetOpenIdTokenInput{IdentityId: &c.id, Logins: c.logins})
	if err != nil {
		return "", fmt.Errorf("GetOpenIdToken: %w", err)
	}
	if c.first == "" {
		c.first = *out.Token
	}
	for name, token := range map[string]string{"new": *out.Token, "first": c.first} {
		if err := c.spend(ctx, token); err != nil {
			return "", fmt.Errorf("the %s token: %w", name, err)
		}
	}
	return keyOf(*out.Token)
}

// spend shows a token wherever tokens are taken.
func (c *tokenBearer) spend(ctx context.Context, token string) error {
	if verified, err := c.verifier.Verify(ctx, token); err != nil || verified.Subject != c.id {
		return errors.New("go-oidc refuses it") // its error may quote the token
	}
	session, err := c.broker.stsClient().AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(authRole), RoleSessionName: aws.String("rotation"), WebIdentityToken: &token,
	})
	if err != nil || aws.ToString(session.SubjectFromWebIdentityToken) != c.id {
		return fmt.Errorf("AssumeRoleWithWebIdentity: got %v, want a session of the identity", code(err))
	}
	bought, err := c.broker.getCredentials(ctx, c.id, map[string]string{cognito.PassThrough: token})
	if err != nil || aws.ToString(bought.IdentityId) != c.id {
		return fmt.Errorf("the pass-through login: got %v, want credentials of the identity", code(err))
	}
	return nil
}

// keyOf returns the id of the key that a token says to be signed by.
func keyOf(token string) (string, error) {
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS512})
	if err != nil || len(parsed.Signatures) != 1 {
		return "", errors.New("the token is not one of RS512")
	}
	return parsed.Signatures[0].Header.KeyID, nil
}
