package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cognito-broker/broker/internal/adminclient"
	"github.com/cognito-broker/broker/internal/config"
)

// rotateKeys asks a running broker for a new signing key of its issuer, and
// prints the key's id.
func rotateKeys(ctx context.Context, p process) error {
	f := flags("keys rotate")
	url := f.String("url", "", "the broker's public URL")
	file := f.String("api-key-file", "", "file with the API key of an administrator")
	if err := parse(f, p.args); err != nil {
		return err
	}
	id, err := rotateAt(ctx, *url, *file, p.stderr)
	if err != nil {
		return fmt.Errorf("keys rotate: %w", err)
	}
	_, err = fmt.Fprintln(p.stdout, id)
	return err
}

func rotateAt(ctx context.Context, url, file string, warnings io.Writer) (keyID string, err error) {
	if url == "" {
		return "", errors.New("-url URL is missing")
	}
	key, err := readAPIKey(file, warnings)
	if err != nil {
		return "", err
	}
	client, err := adminclient.New(url, key)
	if err != nil {
		return "", err
	}
	defer client.Close()
	return client.RotateSigningKey(ctx)
}

// maxKeyFile is past what any API key takes.
const maxKeyFile = 64 << 10

// readAPIKey reads a file as it is, less one line feed at its end, and warns where
// others may read it too. No mode of a configuration tells whether to refuse it.
func readAPIKey(name string, warnings io.Writer) (string, error) {
	if name == "" {
		return "", errors.New("-api-key-file FILE is missing")
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("-api-key-file: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && config.OthersMay(info.Mode()) {
		warnExposed(warnings, []config.Exposed{{Key: "-api-key-file", File: name, Mode: info.Mode().Perm()}})
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return "", fmt.Errorf("-api-key-file: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}
