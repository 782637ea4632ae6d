package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// login is a user's ID token and the key that it has in Logins.
type login struct{ provider, token string }

func (l login) logins() map[string]string { return map[string]string{l.provider: l.token} }

// logIn logs alice in.
func (w *walk) logIn(ctx context.Context) (string, error) {
	var err error
	if w.alice, err = w.mint(ctx, "alice"); err != nil {
		return "", err
	}
	return fmt.Sprintf("alice has an ID token of %s (%d bytes)", w.alice.provider, len(w.alice.token)), nil
}

// mint logs a user in at the development identity provider.
func (w *walk) mint(ctx context.Context, user string) (login, error) {
	command := exec.CommandContext(ctx, w.bin, "token", "-config", w.config, "-user", user)
	command.Env = w.environ
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return login{}, fmt.Errorf("broker token: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	token := strings.TrimSpace(string(out))
	issuer, err := issuerOf(token)
	if err != nil {
		return login{}, err
	}
	_, provider, _ := strings.Cut(issuer, "://")
	return login{provider: provider, token: token}, nil
}

// issuerOf reads the issuer of a token that was just minted; nothing is trusted
// on it, the broker verifies the token.
func issuerOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("broker token printed no token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", errors.New("broker token printed no token")
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "", errors.New("broker token printed no token")
	}
	return claims.Issuer, nil
}
