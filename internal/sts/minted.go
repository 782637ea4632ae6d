package sts

import (
	"context"
	"errors"
	"fmt"
)

var errNoToken = errors.New("no token was minted")

// Mint makes a token that states id, for an STS that trusts its issuer. It is
// safe for concurrent use. Its errors are passing faults, never an *Error, and
// hold nothing of a token.
type Mint func(ctx context.Context, id WebIdentity) (token string, err error)

// Minted is an Assumer over an API: it states the proven identity in a token of
// its own making, which the API verifies. It is immutable and safe for
// concurrent use.
type Minted struct {
	api  API
	mint Mint
}

var _ Assumer = (*Minted)(nil)

// NewMinted makes an Assumer that calls api with tokens of mint; both are required.
func NewMinted(api API, mint Mint) *Minted { return &Minted{api: api, mint: mint} }

// Assume refuses a duration out of bounds with ValidationError, since a Request
// without one would mean an hour; what else a request must be is the API's to
// say, as are the refusals.
func (m *Minted) Assume(ctx context.Context, req AssumeRequest) (Credentials, error) {
	var c constraints
	constrainDuration(&c, req.Duration)
	if err := c.err(); err != nil {
		return Credentials{}, err
	}
	token, err := m.mint(ctx, req.Identity)
	if err == nil && token == "" {
		err = errNoToken
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("mint web identity: %w", err)
	}
	resp, err := m.api.AssumeRoleWithWebIdentity(ctx, Request{
		RoleARN: req.RoleARN, SessionName: req.SessionName, Token: token,
		Duration: req.Duration, Policy: req.Policy, PolicyARNs: req.PolicyARNs,
	})
	if err != nil {
		return Credentials{}, fmt.Errorf("assume role by web identity: %w", err)
	}
	return resp.Credentials, nil
}
