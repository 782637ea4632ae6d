package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// server is a process under load.
type server struct {
	address string
	process *os.Process
	stop    func()
}

// request is one that the broker answers from its memo.
type request struct {
	name        string
	bytes       []byte
	answerBytes int
}

const (
	pool = "us-east-1:00000000-0000-4000-8000-000000000001"
	// padding brings the ID token to about 1.2 KB.
	padding = 560
)

// serveBare is the floor: a handler that reads the body and writes one as long
// as the broker's. It runs under the broker's server settings, so that handlers
// are compared and not time-outs.
func serveBare(size int) error {
	answer := bytes.Repeat([]byte("x"), size)
	app := fiber.New(fiber.Config{
		DisableStartupMessage: true, ReadBufferSize: 32 << 10,
		ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 75 * time.Second,
	})
	app.Post("/*", func(c *fiber.Ctx) error {
		if len(c.Body()) == 0 {
			return fiber.ErrBadRequest
		}
		return c.Send(answer)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return app.Listener(l)
}

func start(c *exec.Cmd) (*server, error) {
	c.Stderr = os.Stderr
	// One processor for the server; the other is the load's.
	c.Env = append(append(os.Environ(), c.Env...), "GOMAXPROCS=1")
	if err := c.Start(); err != nil {
		return nil, err
	}
	return &server{process: c.Process, stop: func() { c.Process.Signal(os.Interrupt); c.Wait() }}, nil
}

func startBare(own string, size int) (*server, error) {
	c := exec.Command(own, "-bare", strconv.Itoa(size))
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s, err := start(c)
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	s.address = strings.TrimSpace(line)
	return s, err
}

func startBroker(bin string) (*server, []request, error) {
	dir, err := os.MkdirTemp("", "broker-bench-")
	if err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	address := l.Addr().String()
	l.Close()
	env := []string{"BROKER_LISTEN=" + address, "BROKER_PUBLIC_URL=http://" + address,
		"BROKER_COGNITO__STORE=" + filepath.Join(dir, "broker.db"), "BROKER_LOG__LEVEL=error"}
	const config = "configs/development.yaml"
	c := exec.Command(bin, "serve", "-config", config)
	c.Env = env
	s, err := start(c)
	if err != nil {
		return nil, nil, err
	}
	end := s.stop
	s.address, s.stop = address, func() { end(); os.RemoveAll(dir) }
	mint := exec.Command(bin, "token", "-config", config, "-user", "alice", "-claim", "padding="+strings.Repeat("x", padding))
	mint.Env = append(os.Environ(), env...)
	token, err := mint.Output()
	if err != nil {
		s.stop()
		return nil, nil, fmt.Errorf("mint token: %w", err)
	}
	requests, err := warm(address, strings.TrimSpace(string(token)))
	if err != nil {
		s.stop()
		return nil, nil, err
	}
	return s, requests, nil
}

// warm gets both requests answered from the memo.
func warm(address, token string) ([]request, error) {
	for range 200 {
		if r, err := http.Get("http://" + address + "/healthz"); err == nil {
			r.Body.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	logins := map[string]string{address + "/dev/idp": token}
	rest, _ := json.Marshal(map[string]any{"logins": logins})
	path := "/v1/pools/" + pool + "/credentials"
	grant := post(address, path, "Content-Type: application/json\r\n", rest)
	answer, err := send(address, grant)
	if err != nil {
		return nil, err
	}
	var got struct{ IdentityID string }
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, err
	}
	wire, _ := json.Marshal(map[string]any{"IdentityId": got.IdentityID, "Logins": logins})
	credentials := post(address, "/", "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityService.GetCredentialsForIdentity\r\n", wire)
	wired, err := send(address, credentials)
	if err != nil {
		return nil, err
	}
	return []request{
		{"wire-GetCredentialsForIdentity", credentials, len(wired)},
		{"rest-credentials", grant, len(answer)},
	}, nil
}

func post(address, path, headers string, body []byte) []byte {
	return []byte(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n%sContent-Length: %d\r\n\r\n%s",
		path, address, headers, len(body), body))
}

func send(address string, request []byte) ([]byte, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return nil, errors.Join(err, fmt.Errorf("%s: %s", answer.Status, body))
	}
	return body, err
}
