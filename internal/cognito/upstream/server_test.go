package upstream_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/upstream"
)

const (
	pool     = "us-east-1:00000000-0000-4000-8000-00000000000a"
	other    = "us-east-1:00000000-0000-4000-8000-00000000000b"
	id       = "us-east-1:11111111-1111-1111-1111-111111111111"
	survivor = "us-east-1:22222222-2222-2222-2222-222222222222"
	// login is a token that must never be seen in an error.
	login    = "opaque-login-token-of-alice-0123456789"
	provider = "accounts.example"
)

// token is what Cognito hands out, as far as anybody reads it unverified.
func token(aud, sub string) string {
	part := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"iss":"https://cognito-identity.amazonaws.com","aud":%q,"sub":%q}`, aud, sub)
	return part([]byte(`{"alg":"RS512"}`)) + "." + part([]byte(claims)) + ".c2lnbmF0dXJl"
}

// answers are literal answers of the service; an operation without one has no
// test that it is sent at all.
var answers = map[string]string{
	"GetId":                              `{"IdentityId":"` + id + `"}`,
	"GetCredentialsForIdentity":          credentialsOf(id),
	"GetOpenIdToken":                     tokenOf(pool, id),
	"GetOpenIdTokenForDeveloperIdentity": tokenOf(pool, id),
	"UnlinkIdentity":                     ``,
	"DescribeIdentity":                   `{"IdentityId":"` + id + `","CreationDate":1.538078988077E9,"LastModifiedDate":1538078988}`,
	"CreateIdentityPool":                 poolAnswer,
	"DescribeIdentityPool":               poolAnswer,
	"UpdateIdentityPool":                 poolAnswer,
	"DeleteIdentityPool":                 ``,
	"ListIdentityPools":                  `{"IdentityPools":[{"IdentityPoolId":"` + pool + `","IdentityPoolName":"a"},{"IdentityPoolId":"` + other + `","IdentityPoolName":"b"}]}`,
	"SetIdentityPoolRoles":               ``,
	"GetIdentityPoolRoles":               `{"IdentityPoolId":"` + pool + `"}`,
	"ListIdentities":                     `{"IdentityPoolId":"` + pool + `","Identities":[{"IdentityId":"` + id + `"},{"IdentityId":"` + survivor + `","Logins":["p"]}]}`,
	"DeleteIdentities":                   `{"UnprocessedIdentityIds":[]}`,
	"LookupDeveloperIdentity":            `{"IdentityId":"` + id + `","DeveloperUserIdentifierList":["u"]}`,
	"MergeDeveloperIdentities":           `{"IdentityId":"` + survivor + `"}`,
	"UnlinkDeveloperIdentity":            ``,
	"TagResource":                        ``,
	"UntagResource":                      ``,
	"ListTagsForResource":                `{"Tags":{"k":"v"}}`,
	"SetPrincipalTagAttributeMap":        principalTags,
	"GetPrincipalTagAttributeMap":        principalTags,
}

const principalTags = `{"IdentityPoolId":"` + pool + `","IdentityProviderName":"p","UseDefaults":true}`

const poolAnswer = `{"IdentityPoolId":"` + pool + `","IdentityPoolName":"demo","AllowUnauthenticatedIdentities":true}`

func credentialsOf(id string) string {
	return `{"IdentityId":"` + id + `","Credentials":{"AccessKeyId":"ASIAEXAMPLE","SecretKey":"secret-of-the-session","SessionToken":"token-of-the-session","Expiration":1.515115602E9}}`
}

func tokenOf(aud, sub string) string {
	return `{"IdentityId":"` + sub + `","Token":"` + token(aud, sub) + `"}`
}

// request is what the server saw of one.
type request struct {
	n             int // from 1
	operation     string
	authorization string
}

// server speaks for the service, through real sockets.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []request
}

// serve starts a server; answer nil sends the answer of each operation.
func serve(t *testing.T, answer func(http.ResponseWriter, request)) *server {
	t.Helper()
	if answer == nil {
		answer = func(w http.ResponseWriter, r request) { say(w, 200, answers[r.operation]) }
	}
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		s.mu.Lock()
		one := request{len(s.seen) + 1, operation, r.Header.Get("Authorization")}
		s.seen = append(s.seen, one)
		s.mu.Unlock()
		answer(w, one)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.seen...)
}

// say sends an answer in the form of the service.
func say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("x-amzn-RequestId", "5f0e2b1c-request")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func refuse(w http.ResponseWriter, code, message string) {
	say(w, 400, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message))
}

// hang reads on until the client leaves.
func hang(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		io.Copy(io.Discard, conn)
		conn.Close()
	}
}

// drop closes the connection after some bytes.
func drop(w http.ResponseWriter, bytes string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		io.WriteString(conn, bytes)
		conn.Close()
	}
}

// reset tears the connection down instead of closing it.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

// backend returns a Backend that asks endpoint, with credentials and without
// delays.
func backend(t *testing.T, endpoint string, change ...func(*upstream.Config)) *upstream.Backend {
	t.Helper()
	c := upstream.Config{
		Region: "us-east-1", Endpoint: endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret-of-the-broker", ""),
		Backoff:     func(int) time.Duration { return 0 },
	}
	for _, f := range change {
		f(&c)
	}
	b, err := upstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// operations are all of the port's, so that a new one is tested too.
func operations() []string {
	var names []string
	api := reflect.TypeFor[cognito.API]()
	for n := range api.NumMethod() {
		names = append(names, api.Method(n).Name)
	}
	return names
}

// input makes an operation's input with every plain member filled in. named
// reports whether it names a pool or an identity.
func input(b *upstream.Backend, operation, poolID, identityID string) (in reflect.Value, named bool) {
	in = reflect.New(reflect.ValueOf(b).MethodByName(operation).Type().In(1).Elem())
	for field, value := range in.Elem().Fields() {
		switch {
		case field.Name == "IdentityPoolId":
			value.Set(reflect.ValueOf(aws.String(poolID)))
			named = true
		case field.Name == "IdentityId":
			value.Set(reflect.ValueOf(aws.String(identityID)))
			named = true
		case field.Name == "IdentityIdsToDelete":
			value.Set(reflect.ValueOf([]string{identityID}))
			named = true
		case field.Name == "ResourceArn":
			region, _, _ := strings.Cut(poolID, ":")
			value.Set(reflect.ValueOf(aws.String("arn:aws:cognito-identity:" + region + ":000000000000:identitypool/" + poolID)))
			named = true
		case field.Type == reflect.TypeFor[map[string]string]():
			value.Set(reflect.ValueOf(map[string]string{provider: login}))
		case field.Type == reflect.TypeFor[[]string]():
			value.Set(reflect.ValueOf([]string{provider}))
		case field.Type == reflect.TypeFor[*string]():
			value.Set(reflect.ValueOf(aws.String("x")))
		case field.Type == reflect.TypeFor[*int32]():
			value.Set(reflect.ValueOf(aws.Int32(1)))
		}
	}
	return in, named
}

// invoke calls an operation by name.
func invoke(ctx context.Context, b *upstream.Backend, operation string, in reflect.Value) (out any, err error) {
	results := reflect.ValueOf(b).MethodByName(operation).Call([]reflect.Value{reflect.ValueOf(ctx), in})
	err, _ = results[1].Interface().(error)
	if results[0].IsNil() {
		return nil, err
	}
	return results[0].Interface(), err
}

// standard invokes an operation about pool and id, with logins.
func standard(ctx context.Context, b *upstream.Backend, operation string) (any, error) {
	in, _ := input(b, operation, pool, id)
	return invoke(ctx, b, operation, in)
}
