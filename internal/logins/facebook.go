package logins

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// graphVersion is the version of the Graph API that is asked.
const graphVersion = "v25.0"

// facebookForm is the form of a user's access token at Facebook. How long one may be is not
// documented; those of apps do not begin so.
var facebookForm = form{start: "EAA", least: 20, most: 4096}

// facebook proves logins at Facebook by an access token, of which the Graph API is asked, or
// by the ID token of a Limited Login. Both are logins of one user.
type facebook struct {
	Provider
	opaque  *opaque
	limited *openID // nil: such logins are refused
	graph   *graph
	now     func() time.Time
}

func newFacebook(p Provider, c *Config) (*facebook, error) {
	if p.AppSecret != "" && len(p.ClientIDs) == 0 {
		return nil, fmt.Errorf("login provider %s: an app's secret needs the app's id", p.Name)
	}
	base := strings.TrimSuffix(p.Endpoint, "/")
	if base == "" {
		base = "https://graph.facebook.com"
	}
	f := &facebook{Provider: p, now: c.Now, graph: &graph{
		api: api{base + "/" + graphVersion, newClient(c.Transport, p.Roots, questionsAtOnce)}, provider: p.Name, now: c.Now,
	}}
	if p.AppSecret != "" {
		f.graph.app, f.graph.secret = p.ClientIDs[0], p.AppSecret
	}
	if !p.NoLimitedLogin {
		f.limited = newLimitedLogin(p, c)
	}
	var err error
	f.opaque, err = newOpaque(p, c, f.ask)
	return f, err
}

// newLimitedLogin proves Limited Logins. Where the keys are is known: discovery from the
// issuer leads elsewhere.
func newLimitedLogin(p Provider, c *Config) *openID {
	const path = "/.well-known/oauth/openid/jwks/"
	if p.Issuer == "" {
		p.Issuer = p.Kind.Issuer()
	}
	switch {
	case p.KeysURL != "":
	case p.Endpoint != "":
		p.KeysURL = strings.TrimSuffix(p.Endpoint, "/") + path
	default:
		p.KeysURL = "https://limited.facebook.com" + path
	}
	p.Algorithms = []string{"RS256"}
	keys := newKeySet(p, c, kindTimeout, p.source(c, p.Issuer, p.KeysURL, maxOfKind))
	return newOpenID(p, c, rules{}, newIssuer(p.Issuer, keys))
}

// Verify judges a token by its form: a JSON Web Token has two dots, and an access token none.
func (f *facebook) Verify(ctx context.Context, token string) (*Proof, error) {
	switch {
	case facebookForm.has(token):
		return f.opaque.prove(ctx, token)
	case strings.Count(token, ".") != 2:
		return nil, refuse(msgOpaque, errForm)
	case f.limited == nil:
		return nil, refuse(msgOpaque, errLimitedLogin)
	}
	proof, err := f.limited.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	return proof.with(proof.ofApp()), nil
}

// ask has the Graph API say whose a token is.
func (f *facebook) ask(ctx context.Context, token string) (*Proof, error) {
	said, err := f.graph.inspect(ctx, token)
	if err != nil {
		return nil, err
	}
	now := f.now()
	var expires time.Time
	if said.expires != 0 {
		expires = time.Unix(said.expires, 0)
	}
	if said.expires != 0 && !now.Before(expires) {
		return nil, refuse(fmt.Sprintf(msgExpired, now.Unix(), said.expires), nil)
	}
	proof := &Proof{
		Provider: f.Name, Subject: said.user, ClientID: said.app, Audience: []string{said.app}, Expires: expires,
		Standing: Until(believed(now, expires), nil),
	}
	return proof.with(proof.ofApp()), nil
}

// Recall needs no token: its claims are what was proved.
func (f *facebook) Recall(kept *Proof, _ string) (*Proof, error) { return kept.with(kept.ofApp()), nil }

// Ask asks the Graph API for the app, or about a token that nobody made, and for the keys of Limited Login.
func (f *facebook) Ask(ctx context.Context) (found string, err error) {
	if f.graph.secret == "" {
		found, err = f.askMadeUp(ctx)
	} else {
		found, err = f.graph.reach(ctx)
	}
	if f.limited == nil {
		return found, err
	}
	keys, failed := f.limited.Ask(ctx)
	if failed != nil {
		failed = fmt.Errorf("the keys of Limited Login: %w", failed)
	}
	if err := errors.Join(err, failed); err != nil {
		return "", err
	}
	return found + ", " + keys + " of Limited Login", nil
}

// askMadeUp asks the Graph API about a token that nobody made. Only its documented refusal of it will
// do: what else is an error may come from elsewhere.
func (f *facebook) askMadeUp(ctx context.Context) (found string, err error) {
	query := url.Values{"access_token": {facebookForm.madeUp()}}
	_, err = f.graph.call(ctx, "/app", query, "")
	failure, failed := errors.AsType[graphError](err)
	switch {
	case failed && failure == graphToken:
		return "the Graph API answers", nil
	case err == nil:
		err = errGraphForm
	}
	return "", fmt.Errorf("ask the Graph API about a made-up token: %w", err)
}

// Run keeps up the keys of Limited Login.
func (f *facebook) Run(ctx context.Context) {
	if f.limited != nil {
		f.limited.Run(ctx)
	}
	f.opaque.wait(ctx)
}

var errLimitedLogin = errors.New("tokens of Limited Login are not taken")
