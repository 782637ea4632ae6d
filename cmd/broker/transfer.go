package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/cognito/embedded/transfer"
	"github.com/cognito-broker/broker/internal/config"
)

// importLines writes pools and identities into the store of a stopped broker: all
// of them or none.
func importLines(ctx context.Context, p process) error {
	f := flags("import")
	path := f.String("config", "", "configuration file")
	file := f.String("file", "", "lines of JSON; - for standard input")
	if err := parse(f, p.args); err != nil {
		return err
	}
	c, err := storeConfig(*path, p)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	in, err := input(*file, p)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer in.Close()
	s, err := store.Open(ctx, c.Cognito.Store)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	count, err := transfer.Import(ctx, s, in, c.Cognito.AccountID, time.Now(), emulatedPools(c)...)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "imported %d pools, %d identities, %d logins\n", count.Pools, count.Identities,
		count.Logins)
	return err
}

// exportLines writes all of a store, also of one in use, to standard output or
// into a new file that its owner alone may read.
func exportLines(ctx context.Context, p process) error {
	f := flags("export")
	path := f.String("config", "", "configuration file")
	file := f.String("file", "-", "a new file; - for standard output")
	if err := parse(f, p.args); err != nil {
		return err
	}
	c, err := storeConfig(*path, p)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	s, err := store.OpenReader(ctx, c.Cognito.Store)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer s.Close()
	if *file == "-" {
		_, err := transfer.Export(ctx, s, p.stdout)
		return err
	}
	return exportTo(ctx, s, *file)
}

// exportTo leaves no half of an export behind.
func exportTo(ctx context.Context, s *store.Store, name string) error {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	_, err = transfer.Export(ctx, s, out)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// storeConfig reads a configuration that keeps a store.
func storeConfig(path string, p process) (*config.Config, error) {
	c, err := loadConfig(path, p)
	if err != nil {
		return nil, err
	}
	if !keepsStore(c) {
		return nil, errNoStore
	}
	return c, nil
}

var errNoStore = errors.New("the configuration keeps no store")

func keepsStore(c *config.Config) bool {
	return c.Cognito.Backend == config.BackendEmbedded && c.Cognito.Store != store.InMemory
}

func input(name string, p process) (io.ReadCloser, error) {
	switch name {
	case "":
		return nil, errors.New("-file FILE is missing")
	case "-":
		return io.NopCloser(p.stdin), nil
	}
	return os.Open(name)
}
