package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/config"
	"github.com/cognito-broker/broker/internal/devidp"
	"github.com/cognito-broker/broker/internal/sts/trust"
)

// loadConfig reads the -config flag's file, and warns of files that others may read.
func loadConfig(path string, p process) (*config.Config, error) {
	c, exposed, err := loadExposed(path, p)
	warnExposed(p.stderr, exposed)
	return c, err
}

// loadExposed is loadConfig for who warns by himself.
func loadExposed(path string, p process) (*config.Config, []config.Exposed, error) {
	if path == "" {
		return nil, nil, errors.New("-config FILE is missing")
	}
	return config.LoadExposed(path, p.environ)
}

func warnExposed(w io.Writer, exposed []config.Exposed) {
	for _, e := range exposed {
		key := e.Key
		if key == "" {
			key = "configuration"
		}
		fmt.Fprintf(w, "%s: warning: %s\n", key, e.Problem())
	}
}

// check reads the configuration and, on demand, the engine's store, also while a
// broker writes to it.
func check(ctx context.Context, p process) error {
	f := flags("check")
	path := f.String("config", "", "configuration file")
	stored := f.Bool("store", false, "check the store too")
	online := f.Bool("online", false, "ask each login provider for its keys, once")
	if err := parse(f, p.args); err != nil {
		return err
	}
	c, exposed, err := loadExposed(*path, p)
	if err != nil {
		return err
	}
	warnExposed(p.stdout, exposed)
	if err := warn(c, p); err != nil {
		return err
	}
	if _, err := providers(c, nil); err != nil {
		return err
	}
	if c.Cognito.Backend == config.BackendEmbedded {
		if _, err := pools(c); err != nil {
			return err
		}
	}
	if len(c.Cache.Redis.Addresses) > 0 {
		if _, err := redisTLS(c.Cache.Redis.TLS); err != nil {
			return err
		}
	}
	if *online {
		if err := checkOnline(ctx, c, p); err != nil {
			return err
		}
	}
	if *stored {
		if err := checkStore(ctx, c, p); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.stdout, "%s: ok\n", *path)
	return err
}

// warn prints what is valid, and seldom meant: of the pools, of the roles' trust policies, and checks
// that nothing makes.
func warn(c *config.Config, p process) error {
	printWarnings(p.stdout, c.Warnings())
	for _, path := range c.UncheckedClients() {
		fmt.Fprintf(p.stdout, "%s: warning: %s\n", path, unchecked)
	}
	policies, err := trustPolicies(c)
	if err != nil {
		return err
	}
	for i, r := range c.Roles {
		policy, ok := policies[r.ARN]
		if !ok {
			continue
		}
		for _, w := range trust.Warnings(policy) {
			fmt.Fprintf(p.stdout, "roles[%d].trust_policy: warning: %s\n", i, w)
		}
	}
	return nil
}

func printWarnings(w io.Writer, all []config.Warning) {
	for _, one := range all {
		fmt.Fprintf(w, "%s: warning: %s\n", one.Path, one.Text)
	}
}

// unchecked warns of an app client whose users nobody asks for.
const unchecked = "no user is asked for: the login provider has no admin_get_user; production refuses this"

// checkStore prints what breaks the store's invariants, and fails if anything does. It warns of what
// the store keeps of pools and the file does not say.
func checkStore(ctx context.Context, c *config.Config, p process) error {
	if !keepsStore(c) {
		return errNoStore
	}
	s, err := store.OpenReader(ctx, c.Cognito.Store)
	if err != nil {
		return err
	}
	findings, err := s.Check(ctx)
	kept, failed := keptPools(ctx, s)
	if err = errors.Join(err, failed, checkDeveloperProviders(c, kept), s.Close()); err != nil {
		return err
	}
	printWarnings(p.stdout, keptSettings(c, kept))
	for _, finding := range findings {
		fmt.Fprintln(p.stdout, finding)
	}
	if len(findings) > 0 {
		return fmt.Errorf("the store breaks %d invariants", len(findings))
	}
	return nil
}

func keys(ctx context.Context, p process) error {
	switch {
	case len(p.args) > 0 && p.args[0] == "rotate":
		p.args = p.args[1:]
		return rotateKeys(ctx, p)
	case len(p.args) != 1 || p.args[0] != "new":
		return errors.New("keys: expected: broker keys new, or broker keys rotate")
	}
	var key [32]byte
	rand.Read(key[:])
	_, err := fmt.Fprintln(p.stdout, base64.StdEncoding.EncodeToString(key[:]))
	return err
}

func version(p process) error {
	if len(p.args) != 0 {
		return fmt.Errorf("version: unexpected argument %q", p.args[0])
	}
	v := "devel"
	goVersion := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
		goVersion = info.GoVersion
	}
	_, err := fmt.Fprintf(p.stdout, "broker %s %s\n", v, goVersion)
	return err
}

// claims gathers -claim flags.
type claims map[string]any

func (claims) String() string { return "" }

func (c claims) Set(s string) error {
	name, value, err := devidp.ParseClaim(s)
	if err != nil {
		return err
	}
	c[name] = value
	return nil
}

// token mints an ID token and prints nothing else, so that scripts can take it.
func token(p process) error {
	f := flags("token")
	path := f.String("config", "", "configuration file")
	user := f.String("user", "", "the token's subject")
	audience := f.String("audience", "", "client id; the configured one if empty")
	ttl := f.Duration("ttl", time.Hour, "life")
	extra := claims{}
	f.Var(extra, "claim", "k=v, any number of times")
	if err := parse(f, p.args); err != nil {
		return err
	}
	c, err := loadConfig(*path, p)
	if err != nil {
		return err
	}
	if c.DevelopmentIssuer() == "" {
		return errors.New("token: the configuration has no development identity provider (development.identity_provider, " +
			"in mode development)")
	}
	if c.DevelopmentKeyFile() == "" {
		return errors.New("token: cognito.store is :memory:, so the development identity provider keeps no key file to " +
			"mint with")
	}
	key, err := devidp.LoadOrCreateKey(c.DevelopmentKeyFile())
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	if *audience == "" {
		*audience = c.Development.ClientID
	}
	minted, err := key.Mint(devidp.TokenRequest{
		Issuer: c.DevelopmentIssuer(), User: *user, Audience: *audience, TTL: *ttl, Claims: extra, Now: time.Now(),
	})
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	_, err = fmt.Fprintln(p.stdout, minted)
	return err
}
