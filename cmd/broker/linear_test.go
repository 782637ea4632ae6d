package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito/embedded/model"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

// Of the test of linearizability.
const (
	usualRounds = 3
	atOnce      = 8 // histories of a round, each on a pool of its own; one kill cuts through all
	maxOps      = 60
	historians  = 5
	callTime    = time.Minute // of one call
	checkTime   = time.Minute // of one history
)

// Concurrent calls of users, backends and administrators, with the broker killed
// in between, can be put into an order in which a broker that serves one call
// after another gives the same answers. A call that was cut off may have happened
// or not. After each kill the store is sound.
//
// Calls go over the wire by the SDK, through the broker's cache.
//
// A long run: BROKER_TEST_ROUNDS=200 go test -run TestHistoriesAreLinearizable -timeout 2h
func TestHistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	rounds := usualRounds
	if n, err := strconv.Atoi(os.Getenv("BROKER_TEST_ROUNDS")); err == nil {
		rounds = n
	}
	idps := [2]*idptest.Issuer{idptest.Start(t), idptest.Start(t)}
	b := startBroker(t, []string{idps[0].URL, idps[1].URL}, "limits: {guests: {per_minute: 0}, exchanges: {per_minute: 0}, refused_changes: {per_minute: 0}}\n")
	tokens := tokensOf(idps)
	cut := 0
	for range rounds {
		for _, h := range playRound(t, b, idps, tokens) {
			cut += h.cutOff()
			if result := h.check(); result != porcupine.Ok {
				t.Fatalf("a history: got %s, want an order that explains it:\n%s", result, h)
			}
		}
	}
	t.Logf("%d histories, %d calls cut off", rounds*atOnce, cut)
}

// playRound plays some histories at once, kills the broker among them, and has it
// started again.
func playRound(t *testing.T, b *instance, idps [2]*idptest.Issuer, tokens map[model.Login]string) []*history {
	t.Helper()
	histories := make([]*history, atOnce)
	caller := model.Caller{API: b.sdkAs(admin()), Token: func(l model.Login) string { return tokens[l] }, Developer: "login.example", Page: 60}
	for n := range histories {
		histories[n] = newHistory(makePool(t, b, idps), idps, caller)
	}
	var all sync.WaitGroup
	for _, h := range histories {
		all.Go(h.play)
	}
	histories[0].await(rand.IntN(maxOps * 3 / 4))
	died := kill(t, b)
	sound(t, b)
	b.logs = &syncBuffer{}
	b.start(t)
	for _, h := range histories {
		h.died, h.back = died, moment()
		close(h.again)
	}
	all.Wait()
	for _, h := range histories {
		h.look()
		if n := h.unanswered(); n > 0 {
			t.Fatalf("calls without an answer after the broker had come back: got %d, want none:\n%s", n, h)
		}
		if _, err := b.sdkAs(admin()).DeleteIdentityPool(t.Context(), &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: &h.pool}); err != nil {
			t.Fatal(err)
		}
	}
	return histories
}

// kill ends the broker as kill -9 does, and says when it was gone.
func kill(t *testing.T, b *instance) int64 {
	t.Helper()
	if err := b.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-b.exited
	return moment()
}

// sound fails unless the store's invariants hold.
func sound(t *testing.T, b *instance) {
	t.Helper()
	s, err := store.OpenReader(t.Context(), b.store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	findings, err := s.Check(t.Context())
	if err != nil || len(findings) > 0 {
		t.Fatalf("the store after a kill: got %v %v, want nothing", findings, err)
	}
}

// makePool makes a pool for a history.
func makePool(t *testing.T, b *instance, idps [2]*idptest.Issuer) string {
	t.Helper()
	api, ctx := b.sdkAs(admin()), t.Context()
	in := &cognitoidentity.CreateIdentityPoolInput{
		IdentityPoolName: aws.String("history"), AllowUnauthenticatedIdentities: true, DeveloperProviderName: aws.String("login.example"),
	}
	for _, i := range idps {
		in.OpenIdConnectProviderARNs = append(in.OpenIdConnectProviderARNs, "arn:aws:iam::000000000000:oidc-provider/"+i.Name())
	}
	pool, err := api.CreateIdentityPool(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.SetIdentityPoolRoles(ctx, &cognitoidentity.SetIdentityPoolRolesInput{
		IdentityPoolId: pool.IdentityPoolId, Roles: map[string]string{"authenticated": authRole, "unauthenticated": unauthRole},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *pool.IdentityPoolId
}

// tokensOf are tokens of all logins; they outlast a long run.
func tokensOf(idps [2]*idptest.Issuer) map[model.Login]string {
	tokens := map[model.Login]string{}
	for _, i := range idps {
		for _, user := range historyUsers {
			tokens[model.Login{Provider: i.Name(), Subject: user}] = i.Token(idptest.Claims{"sub": user, "exp": time.Now().Add(24 * time.Hour).Unix()})
		}
	}
	return tokens
}

var started = time.Now()

// moment is a point of monotonic time.
func moment() int64 { return int64(time.Since(started)) }
