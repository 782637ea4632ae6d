package embedded_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/contract"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/issuer"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
)

// The engine in process keeps the contract of a cognito.API.
func TestContract(t *testing.T) {
	judged := newJudged(t)
	limited := judged.twin(t, func(c *embedded.Config) {
		for operation := range reflect.TypeFor[cognito.API]().Methods() {
			c.Limits[operation.Name] = 1.0 / 900
		}
	})
	broken := judged.twin(t)
	if err := broken.store.Close(); err != nil {
		t.Fatal(err)
	}
	contract.Run(t, contract.Env{
		API: judged.engine, STS: judged.face, Limited: limited.engine, Broken: broken.engine,
		Pools:     contract.Pools{Open: open, Closed: closed, Bare: bare},
		Providers: judged.idps, Down: judged.down, Account: account, Region: "us-east-1", Issuer: judged.url,
		VerifyToken: judged.verify, WhoAmI: judged.whoAmI,
	})
}

const bare = "us-east-1:00000000-0000-4000-8000-000000000005" // no roles

// judged is an engine with its own STS, whose keys stand on a server.
type judged struct {
	idps     [2]*idptest.Issuer
	down     *idptest.Issuer
	store    *store.Store
	issuer   *issuer.Issuer
	url      string
	verifier *oidc.IDTokenVerifier
	sts      *sts.Builtin
	engine   *embedded.Engine
	face     *sts.Local
	ahead    time.Duration // of the system's clock; set while nothing runs
}

func (j *judged) now() time.Time { return time.Now().Add(j.ahead) }

func newJudged(t *testing.T, change ...func(*embedded.Config)) *judged {
	t.Helper()
	j := &judged{idps: [2]*idptest.Issuer{idptest.Start(t), idptest.Start(t)}, down: idptest.Start(t)}
	j.down.Break(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	return j.twin(t, change...)
}

// twin is another engine with the same login providers.
func (j *judged) twin(t *testing.T, change ...func(*embedded.Config)) *judged {
	t.Helper()
	j = &judged{idps: j.idps, down: j.down}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	j.store, err = store.Open(t.Context(), store.InMemory)
	must(err)
	t.Cleanup(func() { j.store.Close() })
	must(j.publish(t, j.store))
	var providers []logins.Provider
	for _, i := range append(j.idps[:], j.down) {
		providers = append(providers, logins.Provider{Name: i.Name(), Issuer: i.URL, ClientIDs: []string{idptest.ClientID}})
	}
	prover, err := logins.New(logins.Config{Providers: providers, CognitoIssuers: []string{j.url}})
	must(err)
	key := make([]byte, 32)
	rand.Read(key)
	j.sts, err = sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{key}, AccountID: account, Now: j.now})
	must(err)
	c := embedded.Config{
		Store: j.store, Prover: prover, Issuer: j.issuer, STS: j.sts, AccountID: account, Region: "us-east-1", Now: j.now,
		Limits: map[string]float64{},
	}
	for _, f := range change {
		f(&c)
	}
	j.engine, err = embedded.New(t.Context(), c)
	must(err)
	j.face = sts.NewLocal(sts.LocalConfig{STS: j.sts, Trust: j.engine})
	must(j.engine.ApplyPools(t.Context(), j.pools()))
	return j
}

// publish starts the issuer and the server that shows its keys, and a verifier
// that reads them there.
func (j *judged) publish(t *testing.T, keys issuer.Keys) (err error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			w.Write(j.issuer.Discovery())
		case "/.well-known/jwks_uri":
			w.Write(j.issuer.JWKS())
		}
	}))
	t.Cleanup(server.Close)
	j.url = server.URL
	j.issuer, err = issuer.New(t.Context(), issuer.Config{
		Issuer: server.URL, PublicURL: server.URL, Region: "us-east-1", Keys: keys, Rotation: time.Hour, Now: j.now,
	})
	if err != nil {
		return err
	}
	found, err := oidc.NewProvider(t.Context(), server.URL)
	if err != nil {
		return err
	}
	j.verifier = found.Verifier(&oidc.Config{SkipClientIDCheck: true}) // the suite compares the audience
	return nil
}

func (j *judged) pools() []rules.Pool {
	var arns []string
	for _, i := range j.idps {
		arns = append(arns, "arn:aws:iam::"+account+":oidc-provider/"+i.Name())
	}
	roles := rules.Roles{
		Authenticated:   "arn:aws:iam::" + account + ":role/" + contract.Authenticated,
		Unauthenticated: "arn:aws:iam::" + account + ":role/" + contract.Unauthenticated,
	}
	return []rules.Pool{
		{ID: open, Name: "open", AllowGuests: true, DeveloperProvider: contract.DeveloperProvider, OIDCProviderARNs: arns,
			Roles: roles},
		{ID: closed, Name: "closed", AllowClassic: aws.Bool(false), DeveloperProvider: contract.DeveloperProvider,
			OIDCProviderARNs: arns, Roles: roles},
		{ID: bare, Name: "bare", AllowGuests: true, OIDCProviderARNs: arns},
	}
}

func (j *judged) verify(ctx context.Context, token string) (claims map[string]any, err error) {
	verified, err := j.verifier.Verify(ctx, token)
	if err != nil {
		return nil, errors.New("the verifier refuses the token") // its own error may quote it
	}
	return claims, verified.Claims(&claims)
}

func (j *judged) whoAmI(_ context.Context, accessKey, secret, session string) (string, error) {
	s, err := j.sts.Open(accessKey, session)
	if err != nil {
		return "", err
	}
	if s.SecretAccessKey() != secret {
		return "", errors.New("the secret is another session's")
	}
	return s.AssumedRoleARN, nil
}
