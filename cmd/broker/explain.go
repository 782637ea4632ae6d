package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
)

// Exits of explain beside success: what was asked is denied, or could not be
// answered.
const (
	exitDenied = 1
	exitError  = 2
)

// exit is an error with a status of its own. It may have nothing to say.
type exit struct {
	status int
	err    error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// explain tells, step by step, what a token or a guest would get from a pool, and
// why not. It reads the store, also one in use, and changes nothing.
func explain(ctx context.Context, p process) error {
	f := flags("explain")
	path := f.String("config", "", "configuration file")
	q := cognito.Question{}
	f.StringVar(&q.Pool, "pool", "", "id of the pool")
	f.StringVar(&q.Identity, "identity", "", "id of the identity; empty: the login's own")
	f.StringVar(&q.Role, "role", "", "CustomRoleArn; empty: the pool's choice")
	tokenFile := f.String("token-file", "", "file with the login's token, - for standard input; empty: a guest")
	provider := f.String("provider", "", "the login's key in Logins; empty: that of the token's issuer")
	asJSON := f.Bool("json", false, "print JSON")
	if err := parse(f, p.args); err != nil {
		return &exit{exitError, err}
	}
	x, err := explained(ctx, p, *path, loginFile{*tokenFile, *provider}, q)
	if err != nil {
		return &exit{exitError, fmt.Errorf("explain: %w", err)}
	}
	if err := printExplanation(p.stdout, x, *asJSON); err != nil {
		return &exit{exitError, err}
	}
	if !x.Granted {
		return &exit{status: exitDenied}
	}
	return nil
}

func explained(
	ctx context.Context, p process, path string, login loginFile, q cognito.Question,
) (*cognito.Explanation, error) {
	if q.Pool == "" {
		return nil, errors.New("-pool ID is missing")
	}
	c, err := storeConfig(path, p)
	if err != nil {
		return nil, err
	}
	if q.Logins, err = login.read(c, p); err != nil {
		return nil, err
	}
	_, keys, err := developmentProvider(c)
	if err != nil {
		return nil, err
	}
	prover, err := newProver(c, keys, nil)
	if err != nil {
		return nil, err
	}
	s, err := store.OpenReader(ctx, c.Cognito.Store)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	engine, err := explainer(ctx, c, s, prover)
	if err != nil {
		return nil, err
	}
	return engine.Explain(ctx, q)
}

// loginFile is where a login is, and under which key it goes.
type loginFile struct{ name, provider string }

// maxLogin bounds a login, in bytes: a SAML response is the longest.
const maxLogin = 256 << 10

// read reads a token. Where no key was named, its issuer says under which one it goes; access
// tokens and SAML responses need one.
func (l loginFile) read(c *config.Config, p process) (map[string]string, error) {
	if l.name == "" {
		if l.provider != "" {
			return nil, errors.New("-provider: there is no -token-file")
		}
		return nil, nil
	}
	in := p.stdin
	if l.name != "-" {
		f, err := os.Open(l.name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxLogin))
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(string(text))
	if l.provider != "" {
		return map[string]string{l.provider: token}, nil
	}
	issuer := logins.UnverifiedIssuer(token)
	if issuer == c.Cognito.Issuer {
		return map[string]string{cognito.PassThrough: token}, nil
	}
	for _, provider := range c.LoginProviders {
		if issuer != "" && provider.Issuer == issuer { // an emulator's need not be its key
			return map[string]string{provider.Provider: token}, nil
		}
	}
	key, ok := loginKeyOf(issuer)
	if !ok {
		return nil, errors.New("-token-file: the token states no issuer; expected an ID token, a token of this broker, or " +
			"-provider KEY")
	}
	return map[string]string{key: token}, nil
}

// loginKeyOf is the key under which the tokens of an issuer go. Facebook's ID tokens go under that of
// its access tokens; Google's issuer may lack its scheme.
func loginKeyOf(issuer string) (key string, ok bool) {
	key = loginkey.Of(issuer)
	if kind, own := loginkey.KindOf(key); own && kind.Key() != "" {
		return kind.Key(), true
	}
	return key, strings.Contains(issuer, "://")
}

func printExplanation(w io.Writer, x *cognito.Explanation, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(x)
	}
	for _, s := range x.Steps {
		mark := "ok  "
		if !s.Passed {
			mark = "no  "
		}
		if _, err := fmt.Fprintf(w, "%s%s: %s\n", mark, s.Check, s.Detail); err != nil {
			return err
		}
	}
	verdict := "granted: " + x.Role
	if !x.Granted {
		verdict = "denied: " + x.Code + ": " + x.Message
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}
