package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/go-jose/go-jose/v4"

	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// Tokens of a real issuer buy credentials by both faces; forged ones do not, and
// make nobody fetch.
func TestLoginsOfAnIssuer(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	b := startBroker(t, []string{idp.URL}, refusedUnlimited) // of one address, a hundred tokens of unknown keys
	ctx := t.Context()
	logins := func(token string) map[string]string { return map[string]string{idp.Name(): token} }
	id, err := b.getID(ctx, demoPool, logins(idp.Token(nil)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.getCredentials(ctx, id, logins(idp.Token(nil))); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"other key":       idp.Sign(nil, jose.RS256, idptest.Key(2), "k0"),
		"wrong audience":  idp.Token(idptest.Claims{"aud": "other"}),
		"other's azp":     idp.Token(idptest.Claims{"azp": "other"}),
		"expired":         idp.Token(idptest.Claims{"exp": time.Now().Unix() - 301}),
		"another subject": idp.Token(idptest.Claims{"sub": "mallory"}),
	} {
		if _, err := b.getCredentials(ctx, id, logins(token)); code(err) != "NotAuthorizedException" {
			t.Errorf("%s: got %v, want NotAuthorizedException", name, err)
		}
	}
	for n := range 100 {
		_, err := b.getID(ctx, demoPool, logins(idp.Sign(nil, jose.RS256, idptest.Key(2), fmt.Sprint("unknown", n))))
		if message(err) != "Invalid login token. Couldn't verify signed token." {
			t.Fatalf("unknown kid: got %v", err)
		}
	}
	if got := idp.Fetches.Load(); got > 3 {
		t.Errorf("key fetches for 100 unknown kids: got %d, want at most 3", got)
	}
	if _, err := b.getID(ctx, demoPool, map[string]string{idp.URL: idp.Token(nil)}); message(err) != "Invalid login token. Issuer doesn't match providerName" {
		t.Errorf("a key with a scheme: got %v", err)
	}
}

// An issuer that is down is a passing error, and never "not authorised".
func TestIssuerDown(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	idp.Break(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	b := startBroker(t, []string{idp.URL}, "")
	login := map[string]string{idp.Name(): idp.Token(nil)}
	_, err := b.getID(t.Context(), demoPool, login)
	if _, ok := errors.AsType[*types.ExternalServiceException](err); !ok {
		t.Errorf("wire: got %v, want ExternalServiceException", err)
	}
	if a := b.rest(t, demoPool, "credentials", map[string]any{"logins": login}); a.status != http.StatusBadGateway {
		t.Errorf("REST: got %d, want 502", a.status)
	}
}

// SIGTERM lets requests under way end.
func TestDrainsRequestsUnderWay(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t)
	asked, release := make(chan struct{}, 8), make(chan struct{})
	idp.Break(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		w.WriteHeader(http.StatusBadGateway)
	})
	b := startBroker(t, []string{idp.URL}, "")
	answered := make(chan error, 1)
	go func() {
		_, err := b.getID(t.Context(), demoPool, map[string]string{idp.Name(): idp.Token(nil)})
		answered <- err
	}()
	<-asked
	if err := b.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(b.logs.String(), "draining") {
		runtime.Gosched()
	}
	close(release)
	if err := <-answered; code(err) != "ExternalServiceException" {
		t.Errorf("the request under way: got %v, want its answer", err)
	}
	<-b.exited
	if !b.process.ProcessState.Success() {
		t.Errorf("got %v: %s", b.process.ProcessState, b.logs)
	}
}

// exchange sends raw bytes and reads until the broker closes.
func (i *instance) exchange(t *testing.T, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(bufio.NewReader(c))
	return string(answer)
}

func TestHostileClients(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {request_timeout: 1s}\n")
	smuggled := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, text := range map[string]string{
		"line feed in a chunk extension": "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\n4c\r\n0\r\n\r\n" + smuggled,
		"two lengths":                    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nContent-Length: 38\r\n\r\n" + smuggled,
		"length and chunks":              "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"no valid length":                "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: +2\r\n\r\n{}" + smuggled,
	} {
		if got := b.exchange(t, text); strings.Contains(got, `{"status":"ok"}`) {
			t.Errorf("%s: a smuggled request was answered: %q", name, got)
		}
	}
	if got := b.exchange(t, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: "+strings.Repeat("x", 40<<10)+"\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("long headers: got %.60q, want 431", got)
	}
	began := time.Now()
	b.exchange(t, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{") // and then nothing
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("a client that stops in the middle held its connection for %v", took)
	}
}

// The short way answers nothing that the full path refuses.
func TestMemoIsAsStrictAsTheFullPath(t *testing.T) {
	t.Parallel()
	for name, yaml := range shortWays {
		t.Run(name, func(t *testing.T) { strict(t, startBroker(t, nil, yaml(t))) })
	}
}

func strict(t *testing.T, b *instance) {
	guest, err := b.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"IdentityId":"` + guest + `"}`
	for range 2 {
		b.wire(t, "GetCredentialsForIdentity", body)
	}
	request := func(headers string) string {
		return b.exchange(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s", headers, len(body), body))
	}
	target := "X-Amz-Target: AWSCognitoIdentityService.GetCredentialsForIdentity\r\n"
	if got := request("Content-Type: application/x-amz-json-1.1\r\n" + target); !strings.Contains(got, "X-Cache: hit") {
		t.Fatalf("the good request: got %.80q, want a hit", got)
	}
	for name, headers := range map[string]string{
		"two targets":          "Content-Type: application/x-amz-json-1.1\r\n" + target + "X-Amz-Target: AWSCognitoIdentityService.GetId\r\n",
		"another content type": "Content-Type: application/json\r\n" + target,
		"no content type":      target,
		"another target":       "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityService.Nonsense\r\n",
	} {
		if got := request(headers); !strings.Contains(got, "UnknownOperationException") {
			t.Errorf("%s: got %.200q, want UnknownOperationException", name, got)
		}
	}
}
