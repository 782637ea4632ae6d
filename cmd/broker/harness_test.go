package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/testparallel"
	"github.com/cognito-broker/broker/internal/testport"
)

const (
	demoPool   = "us-east-1:00000000-0000-4000-8000-000000000001"
	closedPool = "us-east-1:00000000-0000-4000-8000-000000000002" // no guests
	bareRoles  = "us-east-1:00000000-0000-4000-8000-000000000003" // no roles
)

// TestMain lets the test binary be the broker, so that processes can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("BROKER_TEST_AS_BROKER") != "" {
		os.Unsetenv("BROKER_TEST_AS_BROKER")
		profiled(main)
		return
	}
	testparallel.Default("3") // most of them wait
	os.Exit(m.Run())
}

// profiled runs a serving broker under a CPU profile when
// BROKER_TEST_CPUPROFILE names a file; docs/performance.md says how.
func profiled(run func()) {
	path := os.Getenv("BROKER_TEST_CPUPROFILE")
	os.Unsetenv("BROKER_TEST_CPUPROFILE")
	if path != "" && os.Args[1] == "serve" {
		f, err := os.Create(path)
		if err != nil {
			panic(err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			panic(err)
		}
		defer pprof.StopCPUProfile()
	}
	run()
}

// instance is a broker for a test, as a process of its own.
type instance struct {
	url, config, store string
	environ            []string
	logs               *syncBuffer
	behind             *instance // the engine's broker, of one in aws mode
	process            *exec.Cmd
	exited             chan struct{}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// unlimited lifts the limits that a test passes which makes more calls than any
// person does.
const unlimited = "limits: {exchanges: {per_minute: 0}, refused_changes: {per_minute: 0}}\n"

// The callers of every test broker.
const (
	adminKey, adminSecret, adminAPIKey       = "AKIDTESTADMINISTRATOR", "admin-secret-of-tests", "admin-api-key-of-tests"
	backendKey, backendSecret, backendAPIKey = "AKIDTESTBACKENDBACKEND", "backend-secret-of-tests", "backend-api-key-of-tests"

	stewardKey, stewardSecret, stewardAPIKey = "AKIDTESTSTEWARDSTEWARD", "steward-secret-of-tests", "steward-api-key-of-tests" // of one pool
	supportKey, supportSecret, supportAPIKey = "AKIDTESTSUPPORTSUPPORT", "support-secret-of-tests", "support-api-key-of-tests" // of one pool, explains

	callersYAML = "callers:\n" +
		"  - {name: admin, access_key_id: " + adminKey + ", secret_access_key: " + adminSecret + ", api_key: " + adminAPIKey + ", scopes: [developer, admin, explain], pools: ['*']}\n" +
		"  - {name: backend, access_key_id: " + backendKey + ", secret_access_key: " + backendSecret + ", api_key: " + backendAPIKey + ", scopes: [developer], pools: ['" + demoPool + "']}\n" +
		"  - {name: steward, access_key_id: " + stewardKey + ", secret_access_key: " + stewardSecret + ", api_key: " + stewardAPIKey + ", scopes: [admin], pools: ['" + demoPool + "'], pass_roles: ['arn:aws:iam::*:role/demo-*']}\n" +
		"  - {name: support, access_key_id: " + supportKey + ", secret_access_key: " + supportSecret + ", api_key: " + supportAPIKey + ", scopes: [explain], pools: ['" + demoPool + "']}\n"
)

// startUpstream runs a broker in aws mode before another, which plays Cognito and
// STS. at is where it reaches the other: its URL, or that of a proxy before it.
// It proves logins of the development provider and of providers, by their issuers.
func startUpstream(t testing.TB, behind *instance, at, extra string, providers ...string) *instance {
	t.Helper()
	dir := t.TempDir()
	address := testport.Address(t)
	i := &instance{url: "http://" + address, config: filepath.Join(dir, "front.yaml"), logs: &syncBuffer{}, environ: behind.environ}
	idp := behind.provider()
	text := "mode: development\nlisten: " + address + "\npublic_url: " + i.url + "\nlog: {level: debug, format: json}\n" +
		"cognito: {backend: aws, endpoint: '" + at + "', issuer: '" + behind.url + "'}\nsts: {backend: aws, endpoint: '" + at + "'}\n" +
		"login_providers:\n  - {provider: '" + idp + "', issuer: 'http://" + idp + "', client_ids: [demo-app]}\n" +
		loginsYAML(providers) + callersYAML + extra
	if err := os.WriteFile(i.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	i.environ = append(slices.Clone(behind.environ), "AWS_ACCESS_KEY_ID="+adminKey, "AWS_SECRET_ACCESS_KEY="+adminSecret)
	i.start(t)
	return i
}

// prepare writes a configuration; extra is YAML that goes behind it.
func prepare(t testing.TB, providers []string, extra string) *instance {
	t.Helper()
	if testing.Short() {
		t.Skip("left out by -short: it starts a broker")
	}
	dir := t.TempDir()
	address := testport.Address(t)
	i := &instance{
		url: "http://" + address, config: filepath.Join(dir, "broker.yaml"), store: filepath.Join(dir, "data", "broker.db"),
		logs: &syncBuffer{},
	}
	arns := arnsYAML(providers)
	roles := "roles: {authenticated: 'arn:aws:iam::000000000000:role/demo-auth', unauthenticated: 'arn:aws:iam::000000000000:role/demo-unauth'}"
	text := "mode: development\nlisten: " + address + "\npublic_url: " + i.url + "\n" +
		"cognito: {store: data/broker.db}\nlog: {level: debug, format: json}\n" +
		"development: {identity_provider: true, client_id: demo-app}\n"
	if len(providers) > 0 {
		text += "login_providers:\n" + loginsYAML(providers)
	}
	text += callersYAML + "pools:\n"
	for _, p := range []struct{ id, rest string }{
		{demoPool, "name: demo, allow_unauthenticated_identities: true, " + roles},
		{closedPool, "name: closed, allow_classic_flow: false, " + roles},
		{bareRoles, "name: bare, allow_unauthenticated_identities: true"},
	} {
		text += "  - {id: '" + p.id + "', developer_provider_name: login.example, open_id_connect_provider_arns: [" + arns + "], " + p.rest + "}\n"
	}
	text += extra
	if err := os.WriteFile(i.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "BROKER_") {
			i.environ = append(i.environ, e)
		}
	}
	return i
}

// loginsYAML lists issuers as login providers, whose client is idptest's.
func loginsYAML(issuers []string) string {
	var b strings.Builder
	for _, issuer := range issuers {
		b.WriteString("  - {provider: '" + loginkey.Of(issuer) + "', issuer: '" + issuer + "', client_ids: [" + idptest.ClientID + "]}\n")
	}
	return b.String()
}

// arnsYAML lists the issuers' ARNs.
func arnsYAML(issuers []string) string {
	var b strings.Builder
	for _, issuer := range issuers {
		b.WriteString("'arn:aws:iam::000000000000:oidc-provider/" + strings.TrimPrefix(issuer, "http://") + "',")
	}
	return b.String()
}

// startBroker runs a broker until the test ends.
func startBroker(t testing.TB, providers []string, extra string) *instance {
	t.Helper()
	i := prepare(t, providers, extra)
	i.start(t)
	return i
}

func (i *instance) start(t testing.TB) {
	t.Helper()
	i.launch(t)
	i.await(t)
}

// launch is start, whether or not the broker comes to serve.
func (i *instance) launch(t testing.TB) {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	i.process = exec.Command(own, "serve", "-config", i.config)
	i.process.Env = append([]string{"BROKER_TEST_AS_BROKER=1", "GORACE=" + os.Getenv("GORACE")}, i.environ...)
	i.process.Stdout, i.process.Stderr = i.logs, i.logs
	if err := i.process.Start(); err != nil {
		t.Fatal(err)
	}
	i.exited = make(chan struct{})
	go func(p *exec.Cmd, exited chan struct{}) { p.Wait(); close(exited) }(i.process, i.exited)
	t.Cleanup(func() { i.process.Process.Kill(); <-i.exited })
}

// stop ends the broker as an operator does.
func (i *instance) stop(t testing.TB) {
	t.Helper()
	if err := i.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-i.exited
}

// edit replaces a text of the configuration, which has it once.
func (i *instance) edit(t testing.TB, old, now string) {
	t.Helper()
	text, err := os.ReadFile(i.config)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		t.Fatalf("the configuration has %q %d times, want once:\n%s", old, n, text)
	}
	if err := os.WriteFile(i.config, []byte(strings.Replace(string(text), old, now, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (i *instance) await(t testing.TB) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		if r, err := http.Get(i.url + "/healthz"); err == nil {
			r.Body.Close()
			return
		}
		select {
		case <-i.exited:
			t.Fatalf("the broker ended: %s", i.logs)
		case <-tick.C:
		}
	}
	t.Fatal("the broker did not come up")
}

// command runs one of the broker's commands in this process.
func (i *instance) command(t testing.TB, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), process{args: args, environ: i.environ, stdout: &out, stderr: io.Discard})
	return out.String(), err
}

// stderr runs a command for what it says beside its answer.
func (i *instance) stderr(t testing.TB, args ...string) string {
	t.Helper()
	var errs bytes.Buffer
	_ = run(t.Context(), process{args: args, environ: i.environ, stdout: io.Discard, stderr: &errs}) // explain may deny
	return errs.String()
}

// login mints a token of the development identity provider.
func (i *instance) login(t testing.TB, user string) map[string]string {
	t.Helper()
	token, err := i.command(t, "token", "-config", i.engine().config, "-user", user)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{i.provider(): strings.TrimSpace(token)}
}

// engine is the broker whose engine answers in the end.
func (i *instance) engine() *instance {
	if i.behind != nil {
		return i.behind
	}
	return i
}

func (i *instance) provider() string {
	return strings.TrimPrefix(i.engine().url, "http://") + "/dev/idp"
}

// sdk is the real client, without retries: tests see each answer.
func (i *instance) sdk() *cognitoidentity.Client { return i.sdkAs(nil) }

// sdkAs signs with a caller's key.
func (i *instance) sdkAs(who aws.CredentialsProvider) *cognitoidentity.Client {
	return cognitoidentity.New(cognitoidentity.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(i.url), Retryer: aws.NopRetryer{}, Credentials: who,
		// On a busy machine a connection was closed here while the answer to its next request was read.
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true }),
	})
}

func admin() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(adminKey, adminSecret, "")
}

func backendCaller() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(backendKey, backendSecret, "")
}

// stsClient is the real STS client, unsigned.
func (i *instance) stsClient() *sts.Client {
	return sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: aws.String(i.url), Retryer: aws.NopRetryer{}, Credentials: aws.AnonymousCredentials{}})
}

func (i *instance) getID(ctx context.Context, pool string, logins map[string]string) (string, error) {
	out, err := i.sdk().GetId(ctx, &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(pool), Logins: logins})
	if err != nil {
		return "", err
	}
	return *out.IdentityId, nil
}

func (i *instance) getCredentials(ctx context.Context, id string, logins map[string]string) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	return i.sdk().GetCredentialsForIdentity(ctx, &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: aws.String(id), Logins: logins})
}

// whoAmI signs sts:GetCallerIdentity with credentials, by the real SDK.
func (i *instance) whoAmI(ctx context.Context, key, secret, session string) (*sts.GetCallerIdentityOutput, error) {
	client := sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(i.url), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, session),
	})
	return client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
}

// answer is what came back from a raw request.
type answer struct {
	status int
	header http.Header
	body   []byte
	tree   map[string]any
}

func (i *instance) post(t testing.TB, path, contentType, body string, headers ...string) answer {
	t.Helper()
	return i.send(t, http.MethodPost, path, body, append([]string{"Content-Type", contentType}, headers...)...)
}

func (i *instance) send(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, i.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	json.Unmarshal(a.body, &a.tree)
	return a
}

func (i *instance) rest(t testing.TB, pool, route string, body map[string]any, headers ...string) answer {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return i.post(t, "/v1/pools/"+pool+"/"+route, "application/json", string(text), headers...)
}

// bearer is the header of a caller on REST.
func bearer(apiKey string) []string { return []string{"Authorization", "Bearer " + apiKey} }

func (i *instance) wire(t testing.TB, operation, body string) answer {
	t.Helper()
	return i.post(t, "/", "application/x-amz-json-1.1", body, "X-Amz-Target", "AWSCognitoIdentityService."+operation)
}
