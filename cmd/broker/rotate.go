package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cognito-broker/broker/internal/adminclient"
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
	id, err := rotateAt(ctx, *url, *file)
	if err != nil {
		return fmt.Errorf("keys rotate: %w", err)
	}
	_, err = fmt.Fprintln(p.stdout, id)
	return err
}

func rotateAt(ctx context.Context, url, file string) (keyID string, err error) {
	if url == "" {
		return "", errors.New("-url URL is missing")
	}
	key, err := readAPIKey(file)
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

// readAPIKey reads a file as it is, less one line feed at its end.
func readAPIKey(name string) (string, error) {
	if name == "" {
		return "", errors.New("-api-key-file FILE is missing")
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("-api-key-file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return "", fmt.Errorf("-api-key-file: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}
