package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/redistest"
)

func TestLoginBecomesCredentials(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	ctx := t.Context()
	alice := b.login(t, "alice")
	id, err := b.getID(ctx, demoPool, alice)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.getID(ctx, demoPool, b.login(t, "alice")); err != nil || again != id {
		t.Errorf("GetId with a fresh token: got %q %v, want %q", again, err, id)
	}
	if bob, err := b.getID(ctx, demoPool, b.login(t, "bob")); err != nil || bob == id {
		t.Errorf("GetId of another user: got %q %v, want another id", bob, err)
	}
	out, err := b.getCredentials(ctx, id, alice)
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	if *out.IdentityId != id || !strings.HasPrefix(*c.AccessKeyId, "ASIA") {
		t.Errorf("got identity %s and a key of another form", *out.IdentityId)
	}
	if life := time.Until(*c.Expiration); life < 59*time.Minute || life > time.Hour {
		t.Errorf("life: got %v, want an hour", life)
	}
	who, err := b.whoAmI(ctx, *c.AccessKeyId, *c.SecretKey, *c.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *who.Arn, "arn:aws:sts::000000000000:assumed-role/demo-auth/CognitoIdentityCredentials"; got != want {
		t.Errorf("caller: got %s, want %s", got, want)
	}
	if _, err := b.whoAmI(ctx, *c.AccessKeyId, *c.SecretKey+"x", *c.SessionToken); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("another secret: got %v, want SignatureDoesNotMatch", err)
	}
	guest, err := b.getID(ctx, demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err = b.getCredentials(ctx, guest, nil)
	if err != nil {
		t.Fatal(err)
	}
	who, err = b.whoAmI(ctx, *out.Credentials.AccessKeyId, *out.Credentials.SecretKey, *out.Credentials.SessionToken)
	if err != nil || !strings.Contains(*who.Arn, "/demo-unauth/") {
		t.Errorf("guest: got %v %v, want the guests' role", who, err)
	}
}

func TestRESTInOneCall(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	alice := b.login(t, "alice")
	first := b.rest(t, demoPool, "credentials", map[string]any{"logins": alice})
	if first.status != http.StatusOK || first.header.Get("X-Cache") != "miss" || first.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("first: got %d X-Cache %q, want 200 miss no-store", first.status, first.header.Get("X-Cache"))
	}
	for _, member := range []string{"identityId", "credentials", "refreshAfter"} {
		if first.tree[member] == nil {
			t.Errorf("the grant has no %s", member)
		}
	}
	second := b.rest(t, demoPool, "credentials", map[string]any{"logins": alice})
	if second.header.Get("X-Cache") != "hit" || string(second.body) != string(first.body) {
		t.Errorf("second: got X-Cache %q, want a hit with the same answer", second.header.Get("X-Cache"))
	}
	fresh := b.rest(t, strings.Replace(demoPool, ":", "%3A", 1), "credentials", map[string]any{"logins": b.login(t, "alice")})
	if fresh.header.Get("X-Cache") != "hit" || fresh.tree["identityId"] != first.tree["identityId"] {
		t.Errorf("another token of the same user: got %d X-Cache %q, want a hit", fresh.status, fresh.header.Get("X-Cache"))
	}
	id := b.rest(t, demoPool, "identities", map[string]any{"logins": alice})
	if id.tree["identityId"] != first.tree["identityId"] {
		t.Errorf("identities: got %s, want the same id", id.body)
	}
	out, err := b.getCredentials(t.Context(), id.tree["identityId"].(string), alice)
	if err != nil || *out.Credentials.AccessKeyId != first.tree["credentials"].(map[string]any)["accessKeyId"] {
		t.Errorf("the wire after REST: got %v, want the same cached credentials", err)
	}
	demanding := b.rest(t, demoPool, "credentials", map[string]any{"logins": alice, "minRemaining": "53m"})
	if demanding.header.Get("X-Cache") != "hit" {
		t.Errorf("a floor that is met: got X-Cache %q, want hit", demanding.header.Get("X-Cache"))
	}
	g1 := b.rest(t, demoPool, "credentials", map[string]any{})
	g2 := b.rest(t, demoPool, "credentials", map[string]any{})
	if g1.tree["identityId"] == g2.tree["identityId"] || g2.header.Get("X-Cache") != "miss" {
		t.Error("two guests: got one identity or a hit, want two persons")
	}
}

// A guest who signs in keeps his id; nothing of the guest is served any more.
func TestGuestBecomesUser(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	ctx := t.Context()
	guest, err := b.getID(ctx, demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := b.getCredentials(ctx, guest, nil); err != nil {
			t.Fatal(err)
		}
	}
	alice := b.login(t, "alice")
	out, err := b.getCredentials(ctx, guest, alice)
	if err != nil || *out.IdentityId != guest {
		t.Fatalf("upgrade: got %v, want the same id", err)
	}
	_, err = b.getCredentials(ctx, guest, nil)
	if want := "Access to Identity '" + guest + "' is forbidden."; code(err) != "NotAuthorizedException" || message(err) != want {
		t.Errorf("the guest's call after it: got %v, want %q", err, want)
	}
	if _, err := b.getCredentials(ctx, guest, b.login(t, "bob")); !strings.HasPrefix(message(err), "Logins don't match.") {
		t.Errorf("another user's login: got %v, want a mismatch", err)
	}
	if id, err := b.getID(ctx, demoPool, alice); err != nil || id != guest {
		t.Errorf("GetId of the user: got %q %v, want the guest's id", id, err)
	}
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func message(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return ""
}

func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	ctx := t.Context()
	_, err := b.getID(ctx, "us-east-1:ffffffff-ffff-4fff-8fff-ffffffffffff", nil)
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || message(err) != "IdentityPool 'us-east-1:ffffffff-ffff-4fff-8fff-ffffffffffff' not found." {
		t.Errorf("unknown pool: got %v", err)
	}
	if _, err = b.getID(ctx, closedPool, nil); message(err) != "Unauthenticated access is not supported for this identity pool." {
		t.Errorf("no guests: got %v", err)
	}
	guest, err := b.getID(ctx, bareRoles, nil)
	if err != nil {
		t.Fatalf("GetId needs no roles: got %v", err)
	}
	_, err = b.getCredentials(ctx, guest, nil)
	if _, ok := errors.AsType[*types.InvalidIdentityPoolConfigurationException](err); !ok {
		t.Errorf("no role: got %v", err)
	}
	_, err = b.getCredentials(ctx, "us-east-1:00000000-0000-4000-8000-00000000dead", nil)
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("unknown identity: got %v", err)
	}
	if _, err = b.getCredentials(ctx, "nonsense", nil); code(err) != "ValidationException" {
		t.Errorf("malformed identity: got %v", err)
	}
	a := b.rest(t, closedPool, "credentials", map[string]any{"identityId": guest})
	if a.status != http.StatusNotFound || a.tree["code"] != "ResourceNotFoundException" {
		t.Errorf("an identity under another pool's path: got %d %s, want 404", a.status, a.tree["code"])
	}
}

func TestRESTProblems(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "limits: {body_bytes: 65536, request_timeout: 15s}\n")
	path := "/v1/pools/" + demoPool + "/credentials"
	for name, c := range map[string]struct {
		path, contentType, body string
		status                  int
		code                    string
	}{
		"unknown member":   {path, "application/json", `{"login":{}}`, 400, "SerializationException"},
		"duplicate member": {path, "application/json", `{"logins":{},"logins":{}}`, 400, "SerializationException"},
		"trailing bytes":   {path, "application/json", `{} {}`, 400, "SerializationException"},
		"wrong type":       {path, "application/json", `{"logins":[]}`, 400, "SerializationException"},
		"no JSON type":     {path, "text/plain", `{}`, 415, "UnsupportedMediaType"},
		"charset is fine":  {path, "application/json; charset=utf-8", `{"identityId":"x"}`, 400, "ValidationException"},
		"bad floor":        {path, "application/json", `{"minRemaining":"soon"}`, 400, "InvalidParameterException"},
		"floor too long":   {path, "application/json", `{"minRemaining":99999999}`, 400, "InvalidParameterException"},
		"no such flow":     {path, "application/json", `{"flow":"basic"}`, 400, "InvalidParameterException"},
		"classic, no role": {path, "application/json", `{"flow":"classic"}`, 400, "ValidationException"},
		"bad pool id":      {"/v1/pools/nonsense/credentials", "application/json", `{}`, 400, "ValidationException"},
		"no route":         {"/v2", "application/json", `{}`, 404, "NoSuchRoute"},
		"no route of v1":   {"/v1/nonsense", "application/json", `{}`, 404, "NoSuchRoute"},
		"wrong method":     {"/healthz", "application/json", `{}`, 405, "MethodNotAllowed"},
		"oversized":        {path, "application/json", `{"logins":{"a":"` + strings.Repeat("x", 70000) + `"}}`, 413, "RequestEntityTooLargeException"},
		"bad token":        {path, "application/json", `{"logins":{"` + b.provider() + `":"x"}}`, 403, "NotAuthorizedException"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.post(t, c.path, c.contentType, c.body)
			if a.status != c.status || a.tree["code"] != c.code || a.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %d %s %s, want %d %s", a.status, a.body, a.header.Get("Content-Type"), c.status, c.code)
			}
			if a.tree["requestId"] == "" || a.tree["status"] != float64(c.status) {
				t.Errorf("got %s, want a request id and the status", a.body)
			}
		})
	}
	if a := b.post(t, "/", "application/x-amz-json-1.1", strings.Repeat("x", 70000), "X-Amz-Target", "AWSCognitoIdentityService.GetId"); a.status != 413 || a.tree["__type"] != "RequestEntityTooLargeException" {
		t.Errorf("oversized on the wire: got %d %s", a.status, a.body)
	}
	// A body that claims to be compressed is taken as it came.
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	zip.Write([]byte(`{"logins":{}}`))
	zip.Close()
	if a := b.post(t, path, "application/json", packed.String(), "Content-Encoding", "gzip"); a.tree["code"] != "SerializationException" {
		t.Errorf("a compressed body: got %d %s, want SerializationException", a.status, a.body)
	}
	if r, err := http.Get(b.url + "/"); err != nil || r.StatusCode != http.StatusNotFound {
		t.Errorf("GET /: got %v %v, want 404", r, err)
	}
}

// shortWays are configurations with each way to answer what was answered before: from
// the memo, and from Redis without it.
var shortWays = map[string]func(*testing.T) string{
	"memory": func(*testing.T) string { return "" },
	"Redis": func(t *testing.T) string {
		return withoutMemory(redisYAML(redistest.Single(t).Addr(), base64Key(), base64Key()))
	},
}

// withoutMemory is a cache in Redis alone.
func withoutMemory(yaml string) string {
	return strings.Replace(yaml, "cache: {", "cache: {memory: {max_entries: 0}, ", 1)
}

// The answer by the short way is the answer of the full path, headers included.
func TestMemoAnswersLikeTheFullPath(t *testing.T) {
	t.Parallel()
	for name, yaml := range shortWays {
		t.Run(name, func(t *testing.T) {
			b := startBroker(t, nil, yaml(t))
			guest, err := b.getID(t.Context(), demoPool, nil)
			if err != nil {
				t.Fatal(err)
			}
			for face, ask := range map[string]func() answer{
				"wire": func() answer { return b.wire(t, "GetCredentialsForIdentity", `{"IdentityId":"`+guest+`"}`) },
				"REST": func() answer {
					return b.post(t, "/v1/pools/"+demoPool+"/credentials", "application/json", `{"identityId":"`+guest+`"}`)
				},
			} {
				const misses = `broker_cache_lookups_total{outcome="miss",tier="memory"}`
				first, full := ask(), b.counters(t, misses)
				again, short := ask(), b.counters(t, misses)
				if again.header.Get("X-Cache") != "hit" || string(first.body) != string(again.body) || first.status != again.status {
					t.Errorf("%s: got %d, X-Cache %q, want %d, hit and the same body", face, again.status, again.header.Get("X-Cache"), first.status)
				}
				for h := range first.header {
					if h != "Date" && h != "X-Cache" && !strings.Contains(strings.ToLower(h), "request") && first.header.Get(h) != again.header.Get(h) {
						t.Errorf("%s: %s: got %q and %q, want equal ones", face, h, first.header.Get(h), again.header.Get(h))
					}
				}
				if len(first.header) != len(again.header) {
					t.Errorf("%s: got headers %v and %v, want the same", face, first.header, again.header)
				}
				for _, h := range []string{"X-Amzn-Requestid", "X-Request-Id"} {
					if a, c := first.header.Get(h), again.header.Get(h); a != "" && a == c {
						t.Errorf("%s: %s: got %q twice, want two", face, h, a)
					}
				}
				if full == "" || full != short {
					t.Errorf("%s: got %q and then %q, want no look into the memory tier: that is the full path", face, full, short)
				}
			}
		})
	}
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	for path, want := range map[string]string{
		"/healthz": `{"status":"ok"}`, "/readyz": `{"reasons":[],"status":"ok"}`,
		"/metrics": "broker_requests_total", "/dev/idp/.well-known/openid-configuration": `"issuer":"` + b.url + `/dev/idp"`,
		"/dev/idp/jwks": `"keys"`,
	} {
		b.wire(t, "GetId", `{}`)
		r, err := http.Get(b.url + path)
		if err != nil {
			t.Fatal(err)
		}
		var body strings.Builder
		if _, err := copyAll(&body, r); err != nil || r.StatusCode != http.StatusOK || !strings.Contains(body.String(), want) {
			t.Errorf("%s: got %d %.200s, want %s", path, r.StatusCode, body.String(), want)
		}
	}
}

// SIGTERM drains and ends with success; the store can be opened at once.
func TestTerminates(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	if err := b.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-b.exited
	if state := b.process.ProcessState; !state.Success() {
		t.Errorf("after SIGTERM: got %v: %s", state, b.logs)
	}
	b.start(t)
}

// Two brokers never write to one store.
func TestSecondBrokerIsRefused(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	_, err := b.command(t, "serve", "-config", b.config)
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v, want that the store is in use", err)
	}
}

// Every acknowledged identity is there after kill -9.
func TestKilledBrokerKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	b := prepare(t, nil, "")
	known := map[string]string{} // user → identity
	for round := range 4 {
		b.start(t)
		for user, want := range known {
			if got, err := b.getID(t.Context(), demoPool, b.login(t, user)); err != nil || got != want {
				t.Fatalf("round %d, %s: got %q %v, want %q", round, user, got, err, want)
			}
		}
		acknowledged := make(chan [2]string, 1024)
		for worker := range 4 {
			go func() {
				defer func() { acknowledged <- [2]string{} }()
				for n := range 8 {
					user := string(rune('a'+round)) + string(rune('a'+worker)) + string(rune('a'+n))
					id, err := b.getID(t.Context(), demoPool, b.login(t, user))
					if err != nil {
						return
					}
					acknowledged <- [2]string{user, id}
				}
			}()
		}
		for got, ended := 0, 0; ended < 4; {
			a := <-acknowledged
			if a[0] == "" {
				ended++
				continue
			}
			known[a[0]] = a[1]
			if got++; got == 10 {
				b.process.Process.Kill()
			}
		}
		b.process.Process.Kill()
		<-b.exited
	}
	if len(known) < 40 {
		t.Errorf("got %d acknowledged identities, want at least 40", len(known))
	}
}

// What goes through a busy broker is not in its logs or metrics.
func TestSilence(t *testing.T) {
	t.Parallel()
	b := startBroker(t, nil, "")
	alice := b.login(t, "alice-in-silence")
	a := b.rest(t, demoPool, "credentials", map[string]any{"logins": alice})
	b.rest(t, demoPool, "credentials", map[string]any{"logins": alice})
	id := a.tree["identityId"].(string)
	guest, err := b.getID(t.Context(), demoPool, nil)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{id, guest, "alice-in-silence", alice[b.provider()], alice[b.provider()][:40]}
	for name, v := range a.tree["credentials"].(map[string]any) {
		if name != "expiration" {
			secrets = append(secrets, v.(string))
		}
	}
	forged := map[string]string{b.provider(): alice[b.provider()] + "x"}
	b.getCredentials(t.Context(), id, forged)
	b.getCredentials(t.Context(), guest, map[string]string{"elsewhere.example": alice[b.provider()]})
	b.rest(t, demoPool, "credentials", map[string]any{"logins": forged, "identityId": guest})
	b.wire(t, "GetCredentialsForIdentity", `{"IdentityId":"`+id+`","Logins":{"x":1}}`)
	r, err := http.Get(b.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	var metrics strings.Builder
	if _, err := copyAll(&metrics, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.logs.String(), `"op":"GetCredentialsForIdentity"`) {
		t.Error("the log has no line of the operation: this test would see nothing")
	}
	for n, secret := range secrets {
		if strings.Contains(b.logs.String(), secret) {
			t.Errorf("secret %d stands in the log", n)
		}
		if strings.Contains(metrics.String(), secret) {
			t.Errorf("secret %d stands in the metrics", n)
		}
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	b := prepare(t, nil, "")
	if out, err := b.command(t, "check", "--config", b.config); err != nil || !strings.HasSuffix(out, ": ok\n") {
		t.Errorf("check: got %q %v", out, err)
	}
	if out, err := b.command(t, "version"); err != nil || !strings.HasPrefix(out, "broker ") {
		t.Errorf("version: got %q %v", out, err)
	}
	if out, err := b.command(t, "keys", "new"); err != nil || len(out) != 45 {
		t.Errorf("keys new: got %d bytes %v, want a base64 line of 32 bytes", len(out), err)
	}
	out, err := b.command(t, "token", "-config", b.config, "-user", "alice", "-audience", "other", "-ttl", "5m", "-claim", "department=sales", "-claim", "admin=true")
	if err != nil || strings.Count(out, ".") != 2 || !strings.HasSuffix(out, "\n") {
		t.Errorf("token: got %d bytes %v, want a token and a line feed", len(out), err)
	}
	info, err := os.Stat(b.store + ".dev-idp.pem")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the development key: got %v %v, want mode 0600", info, err)
	}
	for _, bad := range [][]string{
		nil, {"nonsense"}, {"check"}, {"check", "-config", b.config, "more"}, {"check", "-config", "/nowhere.yaml"},
		{"keys"}, {"keys", "old"}, {"version", "x"}, {"token", "-config", b.config},
		{"token", "-config", b.config, "-user", "a", "-claim", "sub=b"}, {"token", "-config", b.config, "-user", "a", "-ttl", "0s"},
		{"serve", "-nonsense"},
	} {
		if _, err := b.command(t, bad...); err == nil || strings.Contains(oneLine(err), "\n") {
			t.Errorf("%v: got %v, want one line", bad, err)
		}
	}
}

func copyAll(dst *strings.Builder, r *http.Response) (int64, error) {
	defer r.Body.Close()
	return io.Copy(dst, r.Body)
}
