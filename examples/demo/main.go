// Command demo walks through the broker's main job as a newcomer would: a login
// becomes temporary credentials that work, by one REST call and through an
// unmodified AWS SDK, and a guest gets some too. Each step prints one line; no
// whole secret is shown.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	pool         = "us-east-1:00000000-0000-4000-8000-000000000001"
	startTimeout = 20 * time.Second
	wholeTimeout = 2 * time.Minute
)

func main() {
	bin := flag.String("broker", "bin/broker", "the broker's binary")
	config := flag.String("config", "configs/development.yaml", "its configuration")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), wholeTimeout)
	defer cancel()
	w := &walk{bin: *bin, config: *config, url: strings.TrimSuffix(os.Getenv("BROKER_URL"), "/"), out: os.Stdout}
	ok := w.run(ctx)
	w.stop()
	if !ok {
		cancel()
		os.Exit(1) //nolint:gocritic // cancel has run
	}
}

// walk is one demonstration.
type walk struct {
	bin, config string
	url         string
	environ     []string // for the broker's commands
	out         io.Writer
	stop        func()

	token, provider string
	identity        string
}

type step struct {
	name string
	run  func(context.Context) (string, error)
}

func (w *walk) run(ctx context.Context) bool {
	w.stop = func() {}
	for _, s := range []step{
		{"broker", w.findOrStart},
		{"login", w.mint},
		{"rest", w.rest},
		{"wire", w.wire},
		{"cache", w.cached},
		{"guest", w.guest},
	} {
		text, err := s.run(ctx)
		if err != nil {
			fmt.Fprintf(w.out, "FAIL %s: %v\n", s.name, err)
			return false
		}
		fmt.Fprintf(w.out, "ok %s: %s\n", s.name, text)
	}
	return true
}

// findOrStart uses the broker at BROKER_URL, or one of its own on a free port.
func (w *walk) findOrStart(ctx context.Context) (string, error) {
	w.environ = os.Environ()
	if w.url == "" {
		w.url = "http://127.0.0.1:8080"
	}
	if healthy(ctx, w.url) {
		return "a broker answers at " + w.url, nil
	}
	dir, err := os.MkdirTemp("", "broker-demo-")
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := l.Addr().String()
	l.Close()
	w.url = "http://" + address
	w.environ = append(w.environ, "BROKER_LISTEN="+address, "BROKER_PUBLIC_URL="+w.url,
		"BROKER_COGNITO__STORE="+filepath.Join(dir, "broker.db"), "BROKER_LOG__LEVEL=error")
	command := exec.CommandContext(ctx, w.bin, "serve", "-config", w.config)
	command.Env, command.Stderr = w.environ, os.Stderr
	if err := command.Start(); err != nil {
		return "", fmt.Errorf("start %s: %w", w.bin, err)
	}
	exited := make(chan struct{})
	go func() { command.Wait(); close(exited) }()
	w.stop = func() {
		command.Process.Signal(os.Interrupt)
		<-exited
		os.RemoveAll(dir)
	}
	return "none answered, so this demo runs its own at " + w.url, w.await(ctx, exited)
}

func (w *walk) await(ctx context.Context, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !healthy(ctx, w.url) {
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

// mint logs alice in at the development identity provider.
func (w *walk) mint(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, w.bin, "token", "-config", w.config, "-user", "alice")
	command.Env = w.environ
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("broker token: %s", strings.TrimSpace(stderr.String()))
	}
	w.token = strings.TrimSpace(string(out))
	issuer, err := issuerOf(w.token)
	if err != nil {
		return "", err
	}
	_, w.provider, _ = strings.Cut(issuer, "://")
	return fmt.Sprintf("alice has an ID token of %s (%d bytes)", w.provider, len(w.token)), nil
}

type grant struct {
	IdentityID  string `json:"identityId"`
	Credentials struct {
		AccessKeyID     string    `json:"accessKeyId"`
		SecretAccessKey string    `json:"secretAccessKey"`
		SessionToken    string    `json:"sessionToken"`
		Expiration      time.Time `json:"expiration"`
	} `json:"credentials"`
	Detail string `json:"detail"`
	cache  string
}

// rest exchanges the token for credentials in one call, and uses them.
func (w *walk) rest(ctx context.Context) (string, error) {
	g, err := w.exchange(ctx)
	if err != nil {
		return "", err
	}
	w.identity = g.IdentityID
	c := g.Credentials
	who, err := w.whoAmI(ctx, c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("one POST brought key %s… until %s; sts:GetCallerIdentity says %s",
		prefix(c.AccessKeyID), c.Expiration.Local().Format(time.TimeOnly), who), nil
}

func (w *walk) exchange(ctx context.Context) (*grant, error) {
	body, err := json.Marshal(map[string]any{"logins": map[string]string{w.provider: w.token}})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/pools/"+pool+"/credentials", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	g := &grant{cache: answer.Header.Get("X-Cache")}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(g); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", answer.Status, g.Detail)
	}
	return g, nil
}

// wire does the same with an unmodified SDK.
func (w *walk) wire(ctx context.Context) (string, error) {
	logins := map[string]string{w.provider: w.token}
	id, who, err := w.throughSDK(ctx, logins)
	if err != nil {
		return "", err
	}
	if id != w.identity {
		return "", errors.New("the SDK got another identity than REST")
	}
	return "the Go SDK's GetId and GetCredentialsForIdentity bring the same identity; it is " + who, nil
}

// cached asks once more.
func (w *walk) cached(ctx context.Context) (string, error) {
	g, err := w.exchange(ctx)
	if err != nil {
		return "", err
	}
	if g.cache != "hit" {
		return "", fmt.Errorf("X-Cache: %s, expected a hit", g.cache)
	}
	return "asked again, the broker answers from its cache (X-Cache: hit)", nil
}

func (w *walk) guest(ctx context.Context) (string, error) {
	id, who, err := w.throughSDK(ctx, nil)
	if err != nil {
		return "", err
	}
	if id == w.identity {
		return "", errors.New("the guest got alice's identity")
	}
	return "without a login the SDK gets a new identity and the guests' role: " + who, nil
}

func (w *walk) throughSDK(ctx context.Context, logins map[string]string) (id, who string, err error) {
	client := cognitoidentity.New(cognitoidentity.Options{Region: "us-east-1", BaseEndpoint: &w.url})
	got, err := client.GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool), Logins: logins})
	if err != nil {
		return "", "", err
	}
	out, err := client.GetCredentialsForIdentity(ctx, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: got.IdentityId, Logins: logins})
	if err != nil {
		return "", "", err
	}
	c := out.Credentials
	who, err = w.whoAmI(ctx, *c.AccessKeyId, *c.SecretKey, *c.SessionToken)
	return *got.IdentityId, who, err
}

// whoAmI uses credentials: the SDK signs sts:GetCallerIdentity with them.
func (w *walk) whoAmI(ctx context.Context, key, secret, session string) (string, error) {
	client := sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: &w.url,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, session),
	})
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Arn), nil
}

func prefix(s string) string { return s[:min(8, len(s))] }
