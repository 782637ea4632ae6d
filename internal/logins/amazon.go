package logins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// amazonForm is the form of an access token of Login with Amazon.
var amazonForm = form{start: "Atza|", least: 350, most: 2048}

// amazonLife is how long an access token lives at most.
const amazonLife = time.Hour

// amazon proves logins with Amazon by an access token, of which its tokeninfo is asked.
type amazon struct {
	Provider
	api    api
	opaque *opaque
	now    func() time.Time
}

func newAmazon(p Provider, c *Config) (*amazon, error) {
	base := strings.TrimSuffix(p.Endpoint, "/")
	if base == "" {
		base = "https://api.amazon.com"
	}
	a := &amazon{Provider: p, api: api{base, newClient(c.Transport, p.Roots, questionsAtOnce)}, now: c.Now}
	var err error
	a.opaque, err = newOpaque(p, c, a.ask)
	return a, err
}

// Verify asks for a token that has the form of one.
func (a *amazon) Verify(ctx context.Context, token string) (*Proof, error) {
	if !amazonForm.has(token) {
		return nil, refuse(msgOpaque, errForm)
	}
	return a.opaque.prove(ctx, token)
}

const tokenInfo = "/auth/o2/tokeninfo"

func (a *amazon) ask(ctx context.Context, token string) (*Proof, error) {
	got, err := a.api.get(ctx, tokenInfo, url.Values{"access_token": {token}}, "")
	if err == nil {
		var said buyer
		if said, err = readTokenInfo(got); err == nil {
			return a.proof(said), nil
		}
	}
	if _, refused := errors.AsType[*Refused](err); refused {
		return nil, err
	}
	return nil, &Unavailable{Provider: a.Name, cause: err}
}

func (a *amazon) proof(said buyer) *Proof {
	now := a.now()
	expires := now.Add(said.left)
	proof := &Proof{
		Provider: a.Name, Subject: said.user, ClientID: said.app, Audience: []string{said.app, said.client},
		Expires: expires, Standing: Until(believed(now, expires), nil),
	}
	return proof.with(proof.ofApp())
}

// buyer is what tokeninfo says of a token.
type buyer struct {
	app, client, user string
	left              time.Duration
}

// readTokenInfo reads an answer of tokeninfo. It fails with *Refused, or with what is not as
// it is documented.
func readTokenInfo(got *answer) (said buyer, err error) {
	if code, failed := got.object["error"]; failed || got.status != http.StatusOK {
		switch code {
		case "invalid_token", "invalid_request", "invalid_grant":
			return buyer{}, refuse(msgOpaque, errAmazonToken)
		}
		return buyer{}, fmt.Errorf("tokeninfo answered with status %d and an error that is not documented", got.status)
	}
	for name, into := range map[string]*string{"app_id": &said.app, "aud": &said.client, "user_id": &said.user} {
		text, _ := got.object[name].(string)
		if text == "" || len(text) > maxSubject {
			return buyer{}, errAmazonForm
		}
		*into = text
	}
	left, ok := seconds(got.object["exp"])
	if !ok || left == nil {
		return buyer{}, errAmazonForm
	}
	if *left == 0 {
		return buyer{}, refuse(msgOpaque, errAmazonToken)
	}
	said.left = time.Duration(min(*left, int64(amazonLife.Seconds()))) * time.Second
	return said, nil
}

// Recall needs no token: its claims are what was proved.
func (a *amazon) Recall(kept *Proof, _ string) (*Proof, error) { return kept.with(kept.ofApp()), nil }

// Ask asks tokeninfo about a token that nobody made. Only its documented refusal of it will do: what
// else is an error may come from elsewhere.
func (a *amazon) Ask(ctx context.Context) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, kindTimeout)
	defer cancel()
	got, err := a.api.get(ctx, tokenInfo, url.Values{"access_token": {amazonForm.madeUp()}}, "")
	if err != nil {
		return "", fmt.Errorf("ask tokeninfo: %w", err)
	}
	_, err = readTokenInfo(got)
	_, refused := errors.AsType[*Refused](err)
	switch {
	case refused && (got.status == http.StatusBadRequest || got.status == http.StatusUnauthorized):
		return "tokeninfo answers", nil
	case err == nil || refused:
		return "", fmt.Errorf("ask tokeninfo: about a made-up token it answers with status %d", got.status)
	}
	return "", fmt.Errorf("ask tokeninfo: %w", err)
}

// Run returns after questions under way.
func (a *amazon) Run(ctx context.Context) { a.opaque.wait(ctx) }

var (
	errAmazonForm  = errors.New("the answer of tokeninfo is not as it is documented")
	errAmazonToken = errors.New("tokeninfo says that the token is not valid, or not any more")
)
