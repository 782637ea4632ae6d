package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/upstream"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
)

// checkOnline asks each login provider once for what its logins are judged by and prints, on lines that
// begin with the provider's path, kind and name, what was found or what it lacks. It fails if one does
// not do. The development one has its keys from the broker that it is part of, which need not run.
func checkOnline(ctx context.Context, c *config.Config, p process) error {
	prover, err := newProver(c, nil, nil)
	if err != nil {
		return err
	}
	failures := 0
	for i := range c.LoginProviders {
		provider := &c.LoginProviders[i]
		if provider.Issuer != "" && provider.Issuer == c.DevelopmentIssuer() {
			continue
		}
		found, err := prover.Ask(ctx, provider.Provider)
		if provider.AdminGetUser {
			err = errors.Join(err, haveCredentials(ctx, c, provider))
		}
		if err != nil {
			failures++
		}
		printOnline(p.stdout, i, provider, found, err)
	}
	if failures > 0 {
		return fmt.Errorf("%d of %d login providers cannot be used", failures, len(c.LoginProviders))
	}
	return nil
}

// credentialsWithin bounds the search for credentials of AWS.
const credentialsWithin = 10 * time.Second

var errNoCredentials = errors.New("no AWS credentials are found, by which admin_get_user asks; expected " +
	"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role of the machine that may cognito-idp:AdminGetUser")

// haveCredentials fails where the broker finds none to ask a user pool by. What it finds is not shown.
func haveCredentials(ctx context.Context, c *config.Config, p *config.LoginProvider) error {
	ctx, cancel := context.WithTimeout(ctx, credentialsWithin)
	defer cancel()
	found, err := upstream.LoadCredentials(ctx, userPoolConfig(p, c.Cognito.Region).Region)
	if err == nil {
		_, err = found.Retrieve(ctx)
	}
	if err != nil { // it may tell of a profile, and what it holds
		return errNoCredentials
	}
	return nil
}

func printOnline(w io.Writer, i int, p *config.LoginProvider, found string, err error) {
	verdict, text := "ok", found
	if err != nil {
		verdict, text = "FAIL", err.Error()
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(w, "login_providers[%d] %s %s: %s, %s (asked: %s)\n", i, p.Kind, p.Provider, verdict, line, askedOf(p))
	}
}

// askedOf says what of a provider is asked for.
func askedOf(p *config.LoginProvider) string {
	if p.AdminGetUser {
		return keysAskedOf(p) + ", and AWS credentials"
	}
	return keysAskedOf(p)
}

func keysAskedOf(p *config.LoginProvider) string {
	switch {
	case p.Kind == loginkey.SAML:
		return "metadata_file"
	case p.Kind == loginkey.Amazon:
		return "tokeninfo"
	case p.Kind == loginkey.Facebook && p.LimitedLogin != nil && !*p.LimitedLogin:
		return "the Graph API"
	case p.Kind == loginkey.Facebook:
		return "the Graph API, and the keys of Limited Login"
	case p.JWKSFile != "":
		return "jwks_file"
	case p.JWKSURI != "":
		return "jwks_uri"
	case p.Kind == loginkey.UserPool, p.Kind == loginkey.Apple && p.Issuer == p.Kind.Issuer():
		return "the keys"
	}
	return "discovery, and the keys"
}
