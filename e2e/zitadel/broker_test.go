package zitadel

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// What `make build` makes, and the configuration of all tests beside this.
const (
	binary = "../../bin/broker"
	config = "../broker.yaml"
)

// The administrator of broker.yaml, and a role.
const (
	adminKey, adminSecret = "AKIDADMINISTRATORE2E", "administrator-of-e2e"
	region                = "us-east-1"
	userRole              = "arn:aws:iam::000000000000:role/user"
)

// instance is a broker that trusts one issuer for the client shop.
type instance struct{ url, pool, login string }

// startBroker runs a broker until the test ends, with a pool for the issuer's
// users.
func startBroker(t *testing.T, issuer string) *instance {
	t.Helper()
	address := freeAddress(t)
	b := &instance{url: "http://" + address, login: nameOf(issuer)}
	process := exec.Command(binary, "serve", "-config", config)
	process.Stderr = os.Stderr
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "BROKER_") {
			process.Env = append(process.Env, e)
		}
	}
	process.Env = append(process.Env, "BROKER_LISTEN="+address, "BROKER_PUBLIC_URL="+b.url,
		"BROKER_COGNITO__STORE="+filepath.Join(t.TempDir(), "broker.db"),
		"BROKER_LOGIN_PROVIDERS=[{provider: '"+b.login+"', issuer: '"+issuer+"', client_ids: ["+shop+"]}]")
	if err := process.Start(); err != nil {
		t.Fatalf("%v; `make build` makes it", err)
	}
	exited := make(chan struct{})
	go func() { process.Wait(); close(exited) }()
	t.Cleanup(func() { process.Process.Signal(os.Interrupt); <-exited })
	await(t, b.url, exited)
	b.makePool(t)
	return b
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func await(t *testing.T, url string, exited <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		if r, err := http.Get(url + "/healthz"); err == nil {
			r.Body.Close()
			return
		}
		select {
		case <-exited:
			t.Fatal("the broker ended at once")
		case <-tick.C:
		}
	}
	t.Fatal("the broker did not come up")
}

func (b *instance) makePool(t *testing.T) {
	t.Helper()
	admin := b.client(credentials.NewStaticCredentialsProvider(adminKey, adminSecret, ""))
	pool, err := admin.CreateIdentityPool(t.Context(), &cognitoidentity.CreateIdentityPoolInput{
		IdentityPoolName: aws.String("shop"), OpenIdConnectProviderARNs: []string{"arn:aws:iam::000000000000:oidc-provider/" + b.login},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.pool = *pool.IdentityPoolId
	_, err = admin.SetIdentityPoolRoles(t.Context(), &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: pool.IdentityPoolId, Roles: map[string]string{"authenticated": userRole},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *instance) client(who aws.CredentialsProvider) *cognitoidentity.Client {
	return cognitoidentity.New(cognitoidentity.Options{
		Region: region, BaseEndpoint: aws.String(b.url), Retryer: aws.NopRetryer{}, Credentials: who,
	})
}

func (b *instance) logins(token string) map[string]string { return map[string]string{b.login: token} }

// getID is GetId of the broker's pool.
func (b *instance) getID(t *testing.T, token string) (string, error) {
	out, err := b.client(nil).GetId(t.Context(), &cognitoidentity.GetIdInput{IdentityPoolId: aws.String(b.pool), Logins: b.logins(token)})
	if err != nil {
		return "", err
	}
	return *out.IdentityId, nil
}

// whoAmI is the ARN that sts:GetCallerIdentity tells of credentials.
func (b *instance) whoAmI(t *testing.T, key, secret, session string) string {
	t.Helper()
	out, err := sts.New(sts.Options{
		Region: region, BaseEndpoint: aws.String(b.url), Credentials: credentials.NewStaticCredentialsProvider(key, secret, session),
	}).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Arn
}
