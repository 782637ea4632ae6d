package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/httpapi"
	"github.com/cognito-broker/broker/internal/telemetry"
)

const evilPage, consolePage = "https://evil.example", "https://console.example"

// issuing lets the routes of an issuer be among those of the API.
type issuing struct{ httpapi.Issuer }

func (issuing) Discovery() []byte { return nil }
func (issuing) JWKS() []byte      { return nil }

// restRoutes are all routes of the REST API.
func restRoutes() []httpapi.Route {
	return httpapi.New(httpapi.Config{
		Metrics: telemetry.NewMetrics(), Log: zap.NewNop(), BodyBytes: 1, RequestTimeout: time.Second, Issuer: issuing{},
	}).Routes()
}

func onDemoPool(path string) string {
	return strings.NewReplacer(":pool", demoPool, ":provider", "idp.example", ":identity", noIdentity).Replace(path)
}

// A name that was made to lead here (DNS rebinding) is answered nothing, by whatever route;
// names of this machine, addresses and those of the configuration are.
func TestForeignHostsInDevelopment(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "hosts: [broker.internal]\n")
	ask := func(method, path, host string, headers ...string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		for n := 0; n+1 < len(headers); n += 2 {
			r.Header.Set(headers[n], headers[n+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return answer{status: response.StatusCode, header: response.Header}
	}
	admin := append(bearer(adminAPIKey), "Content-Type", "application/json")
	paths := []httpapi.Route{
		{Method: "POST", Path: "/"}, {Method: "OPTIONS", Path: "/"}, {Method: "GET", Path: "/metrics"}, {Method: "GET", Path: "/none"},
		{Method: "GET", Path: "/.well-known/openid-configuration"}, {Method: "GET", Path: "/dev/idp/jwks"},
	}
	for _, r := range append(paths, restRoutes()...) {
		for _, host := range []string{"evil.example", "evil.example:8080", "localhost.evil.example"} {
			if a := ask(r.Method, onDemoPool(r.Path), host, admin...); a.status != http.StatusMisdirectedRequest || a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s for %s: got %d %v, want 421", r.Method, r.Path, host, a.status, a.header)
			}
		}
	}
	for _, host := range []string{"localhost", "LOCALHOST:9", "127.0.0.1", "192.0.2.7:80", "[::1]:8080", "broker.internal:80", "Broker.Internal"} {
		if a := ask("GET", "/v1/pools", host, bearer(adminAPIKey)...); a.status != 415 { // for its body
			t.Errorf("for %s: got %d, want it to be looked at", host, a.status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := ask("GET", path, "evil.example"); a.status != 200 {
			t.Errorf("%s: got %d, want 200", path, a.status)
		}
	}
}

// Production answers any host.
func TestAnyHostInProduction(t *testing.T) {
	t.Parallel()
	b := prepare(t, nil, "")
	b.environ = append(b.environ, "BROKER_MODE=production", "BROKER_DEVELOPMENT__IDENTITY_PROVIDER=false", "BROKER_STS__KEYS=["+base64Key()+"]",
		"BROKER_HOSTS=[elsewhere.example]")
	b.start(t)
	if got := b.exchange(t, "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("got %.60q, want 200", got)
	}
}

// What a page may do with a broker: all that apps may, from any origin; nothing that callers
// may, unless it is named.
func TestPagesAndRoutes(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "cors: {caller_origins: ['"+consolePage+"']}\n")
	callers := 0
	for _, r := range restRoutes() {
		what, path := r.Method+" "+r.Path, onDemoPool(r.Path)
		for page, allowed := range map[string]string{evilPage: "", consolePage: consolePage} {
			status := 403
			if !r.ForCallers {
				allowed = "*"
			}
			if allowed != "" {
				status = 200
			}
			a := b.send(t, http.MethodOptions, path, "", "Origin", page, "Access-Control-Request-Method", r.Method, "Access-Control-Request-Headers", "authorization,content-type")
			if got := a.header.Get("Access-Control-Allow-Origin"); a.status != status || got != allowed || allowed != "" && !slices.Contains(strings.Split(a.header.Get("Access-Control-Allow-Methods"), ","), r.Method) {
				t.Errorf("%s: preflight of %s: got %d for %q, want %d for %q", what, page, a.status, got, status, allowed)
			}
			a = b.send(t, r.Method, path, "{}", "Origin", page, "Content-Type", "application/json", "Authorization", "Bearer wrong-key-of-a-page")
			if got := a.header.Get("Access-Control-Allow-Origin"); got != allowed {
				t.Errorf("%s: answer to %s: got it for %q, want %q", what, page, got, allowed)
			}
		}
		if r.ForCallers {
			callers++
		}
	}
	if callers < 20 {
		t.Errorf("got %d routes for callers, want all", callers)
	}
}

// fromPage has a client of the SDK send what a browser adds, and notes the answer's header.
func fromPage(origin string, got *http.Header) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return errors.Join(
			smithyhttp.SetHeaderValue("Origin", origin)(stack),
			stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("seen", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
				out, metadata, err := next.HandleDeserialize(ctx, in)
				if r, ok := out.RawResponse.(*smithyhttp.Response); ok {
					*got = r.Header
				}
				return out, metadata, err
			}), middleware.After),
		)
	}
}

// The SDK in a browser: an app's calls work from any page, also the one that a session signs,
// and a caller's from named pages alone.
func TestPagesOnTheWire(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "cors: {caller_origins: ['"+consolePage+"']}\n")
	id, err := b.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	var seen http.Header
	page := func(origin string) func(*cognitoidentity.Options) {
		return func(o *cognitoidentity.Options) { o.APIOptions = append(o.APIOptions, fromPage(origin, &seen)) }
	}
	var session *cognitoidentity.GetCredentialsForIdentityOutput
	for _, cache := range []string{"miss", "hit"} {
		session, err = b.sdk().GetCredentialsForIdentity(t.Context(), &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: &id}, page(evilPage))
		if err != nil || seen.Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("an app, %s: got %v, %v", cache, err, seen)
		}
	}
	c := session.Credentials
	who := sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(b.url), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretKey, *c.SessionToken),
		APIOptions:  []func(*middleware.Stack) error{fromPage(evilPage, &seen)},
	})
	if _, err := who.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil || seen.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("an app's session: got %v, %v", err, seen)
	}
	pools := func(origin string) error {
		_, err := b.sdkAs(admin()).ListIdentityPools(t.Context(), &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(1)}, page(origin))
		return err
	}
	if err := pools(evilPage); code(err) != "AccessDeniedException" || seen.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a caller, any page: got %v, %v, want a refusal that it cannot read", err, seen)
	}
	if err := pools(consolePage); err != nil || seen.Get("Access-Control-Allow-Origin") != consolePage {
		t.Errorf("a caller, a named page: got %v, %v", err, seen)
	}
}

// Where the pages of apps are named, a cached answer is for them alone as well.
func TestNamedPages(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "cors: {origins: ['https://app.example']}\n")
	for _, origin := range []string{"https://app.example", evilPage, "https://app.example"} {
		a := b.rest(t, demoPool, "credentials", map[string]any{"identityId": guestOf(t, b)}, "Origin", origin)
		for range 2 {
			want := map[bool]string{true: origin}[origin != evilPage]
			if got := a.header.Get("Access-Control-Allow-Origin"); a.status != 200 || got != want || a.header.Get("Vary") != "Origin" {
				t.Errorf("%s, %s: got %d for %q, want it for %q", origin, a.header.Get("X-Cache"), a.status, got, want)
			}
			a = b.rest(t, demoPool, "credentials", map[string]any{"identityId": a.tree["identityId"]}, "Origin", origin)
		}
		if a.header.Get("X-Cache") != "hit" {
			t.Errorf("got %q, want a hit at last", a.header.Get("X-Cache"))
		}
	}
}

func guestOf(t *testing.T, b *instance) string {
	t.Helper()
	id, err := b.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
