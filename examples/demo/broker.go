package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	defaultURL   = "http://127.0.0.1:8080" // where `make run` serves
	startTimeout = 20 * time.Second
)

// findOrStart uses the broker that answers, or one of its own on a free port.
func (w *walk) findOrStart(ctx context.Context) (string, error) {
	w.environ = os.Environ()
	named := w.url != ""
	w.url = cmp.Or(w.url, os.Getenv("BROKER_PUBLIC_URL"), defaultURL)
	text := "a broker answers at " + w.url
	switch {
	case healthy(ctx, w.url):
		if os.Getenv("BROKER_PUBLIC_URL") == "" { // which is what the tokens' issuer begins with
			w.environ = append(w.environ, "BROKER_PUBLIC_URL="+w.url)
		}
	case named:
		return "", fmt.Errorf("no broker answers at %s, which BROKER_URL names", w.url)
	default:
		if err := w.start(ctx); err != nil {
			return "", err
		}
		text = "none answered, so this demo runs its own at " + w.url
	}
	var err error
	w.settings, err = readSettings(w.config, w.environ)
	return text, err
}

func (w *walk) start(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "broker-demo-")
	if err != nil {
		return err
	}
	w.stop = func() { os.RemoveAll(dir) }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	l.Close()
	w.url = "http://" + address
	w.environ = append(w.environ, "BROKER_LISTEN="+address, "BROKER_PUBLIC_URL="+w.url,
		"BROKER_COGNITO__STORE="+filepath.Join(dir, "broker.db"), "BROKER_LOG__LEVEL=error")
	command := exec.CommandContext(ctx, w.bin, "serve", "-config", w.config)
	command.Env, command.Stderr = w.environ, os.Stderr
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", w.bin, err)
	}
	exited := make(chan struct{})
	go func() { _ = command.Wait(); close(exited) }()
	w.stop = func() {
		_ = command.Process.Signal(os.Interrupt)
		<-exited
		os.RemoveAll(dir)
	}
	return await(ctx, w.url, exited)
}

func await(ctx context.Context, url string, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !healthy(ctx, url) {
		select {
		case <-exited:
			return errors.New("the broker ended at once")
		case <-ctx.Done():
			return errors.New("the broker did not come up")
		case <-tick.C:
		}
	}
	return nil
}

func healthy(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
