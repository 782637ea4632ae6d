package logins

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// openID proves logins at an OpenID provider by its ID tokens (OpenID Connect Core 1.0,
// section 3.1.3.7, as the service applies it: docs/cognito.md#login-tokens).
type openID struct {
	Provider
	rules   rules
	cognito issuers
	now     func() time.Time
	from    []*issuer
}

// rules are what kinds of OpenID providers differ in.
type rules struct {
	// party: azp, where a token has one, says whom it is for, and not aud.
	party bool
	// listed: the token has to be for one of ClientIDs. Of kinds whose clients the pools
	// list it may be for any, and whoever asks decides.
	listed bool
	// tokenUse has to be there, and be id.
	tokenUse bool
}

// Verify runs the checks in the documented order. go-oidc judges signature and issuer, and
// nothing else of what it reads is used: the claims are those that our own reader found in
// the very bytes that were verified.
func (o *openID) Verify(ctx context.Context, token string) (*Proof, error) {
	claims, err := peek(token)
	if err != nil {
		return nil, err
	}
	if err := o.cognito.refuse(claims.Issuer); err != nil {
		return nil, err
	}
	from := o.issuer(claims.Issuer)
	if from == nil {
		return nil, refuse(msgIssuer, nil)
	}
	key, err := from.signer(ctx, claims.token, token)
	if err != nil {
		return nil, err
	}
	now := o.now()
	if err := o.check(claims, now); err != nil {
		return nil, err
	}
	expires := time.Unix(*claims.Expires, 0)
	proof := &Proof{
		Provider: o.Name, Subject: claims.Subject, Expires: expires, Standing: Until(believed(now, expires), key),
		claims: claims.token.Claims,
	}
	named := o.named(claims)
	proof.ClientID, _ = o.client(named)
	if !o.rules.listed {
		proof.Audience = named
	}
	return proof, nil
}

// believed is until when a proof that is made now is believed, if its token expires then; zero: never.
func believed(now, expires time.Time) time.Time {
	until := now.Add(proofLimit)
	if !expires.IsZero() && expires.Before(until) {
		until = expires
	}
	return until
}

// Recall reads the token again.
func (o *openID) Recall(kept *Proof, token string) (*Proof, error) {
	claims, err := peek(token)
	if err != nil {
		return nil, err
	}
	return kept.with(claims.token.Claims), nil
}

// Ask fetches the key set; where there are two, the second one if the first cannot be had. Each that
// cannot is told by its name.
func (o *openID) Ask(ctx context.Context) (found string, err error) {
	all := o.keySets()
	for _, keys := range all {
		ctx, cancel := context.WithTimeout(ctx, keys.timeout)
		failed := keys.load(ctx)
		cancel()
		if failed == nil {
			return fmt.Sprintf("%d usable keys", keys.current.Load().count), nil
		}
		if len(all) > 1 {
			failed = fmt.Errorf("%s: %w", keys.name, failed)
		}
		err = errors.Join(err, failed)
	}
	return "", err
}

// Run refreshes the key sets hourly, once they are in use.
func (o *openID) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, keys := range o.keySets() {
		running.Go(func() { keys.run(ctx) })
	}
	running.Wait()
}

func (o *openID) issuer(text string) *issuer {
	i := slices.IndexFunc(o.from, func(one *issuer) bool { return one.text == text })
	if i < 0 {
		return nil
	}
	return o.from[i]
}

// keySets are those of its issuers, each once.
func (o *openID) keySets() (all []*keySet) {
	for _, one := range o.from {
		if !slices.Contains(all, one.keys) {
			all = append(all, one.keys)
		}
	}
	return all
}

// check looks at the claims of a token whose signature is good.
func (o *openID) check(c *payload, now time.Time) error {
	if len(c.Audience) == 0 {
		return refuse(fmt.Sprintf(msgMissing, "aud"), nil)
	}
	if err := c.isIDToken(); err != nil {
		return refuse(msgNoToken, err)
	}
	if o.rules.tokenUse && c.token.Claims["token_use"] == nil {
		return refuse(msgNoToken, errTokenUse)
	}
	switch {
	case c.Subject == "":
		return refuse(fmt.Sprintf(msgMissing, "sub"), nil)
	case len(c.Subject) > maxSubject:
		return refuse(fmt.Sprintf(msgLong, maxSubject), nil)
	case c.Expires == nil:
		return refuse(fmt.Sprintf(msgMissing, "exp"), nil)
	}
	if _, listed := o.client(o.named(c)); o.rules.listed && !listed {
		return refuse(msgAudience, errAudience)
	}
	err := c.inTime(now)
	if late, ok := errors.AsType[*Refused](err); ok && !o.rules.listed {
		late.Audience = o.named(c)
	}
	return err
}

// named are those whom a token is for.
func (o *openID) named(c *payload) []string {
	if o.rules.party && c.Party != nil {
		return []string{*c.Party}
	}
	return c.Audience
}

// client is the one of those whom a token is for that ClientIDs lists, else the first.
func (p *Provider) client(named []string) (client string, listed bool) {
	for _, one := range named {
		if i := slices.Index(p.ClientIDs, one); i >= 0 {
			return p.ClientIDs[i], true // shared by all proofs
		}
	}
	return named[0], false
}
