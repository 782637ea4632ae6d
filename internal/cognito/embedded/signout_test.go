package embedded_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/logins/idptest"
)

const signedOut = "NotAuthorizedException: Invalid login token. The user was signed out."

// at is a login of a user who authenticated himself then.
func (r *kindsRig) at(provider, user string, then time.Time) map[string]string {
	return map[string]string{provider: r.idp.Token(idptest.Claims{"sub": user, "aud": "app", "auth_time": then.Unix()})}
}

func (r *kindsRig) signOut(provider, user string, notBefore time.Time) error {
	return r.SignOut(r.t.Context(), cognito.SignOut{Pool: everyone, Provider: provider, Subject: user, NotBefore: notBefore})
}

// Logins that are older than their user's sign-out are refused, at it and after it are not.
func TestSignOutsRefuseOlderLogins(t *testing.T) {
	r := newKindsRig(t)
	out := time.Now().Truncate(time.Second).Add(-time.Minute)
	alice := r.id(everyone, r.at(usersKey, "alice", out.Add(-time.Hour)))
	if err := r.signOut(newerUsersKey, "alice", out); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		login map[string]string
		want  string
	}{
		"before":                    {r.at(usersKey, "alice", out.Add(-time.Second)), signedOut},
		"before, by the other key":  {r.at(newerUsersKey, "alice", out.Add(-time.Second)), signedOut},
		"at it":                     {r.at(usersKey, "alice", out), alice},
		"after it":                  {r.at(newerUsersKey, "alice", out.Add(time.Second)), alice},
		"fresh, without auth_time":  {r.of(usersKey, "alice", "app"), alice}, // by its iat
		"an auth_time that is none": {map[string]string{usersKey: r.idp.Token(idptest.Claims{"aud": "app", "auth_time": "soon"})}, signedOut},
		"made before":               {map[string]string{usersKey: r.idp.Token(idptest.Claims{"aud": "app", "iat": out.Unix() - 1})}, signedOut},
		"without any time":          {map[string]string{usersKey: r.idp.Token(idptest.Claims{"aud": "app", "iat": nil})}, signedOut},
		"the same user of another":  {r.at(googleKey, "alice", out.Add(-time.Hour)), ""},
		"another user":              {r.at(usersKey, "bob", out.Add(-time.Hour)), ""},
		"old, beside one that is not": {map[string]string{
			usersKey: r.at(usersKey, "alice", out.Add(-time.Hour))[usersKey], googleKey: r.of(googleKey, "alice", "app")[googleKey],
		}, signedOut},
	} {
		got := r.id(everyone, c.login)
		if c.want != "" && got != c.want || strings.Contains(got, "Exception") != strings.Contains(c.want, "Exception") {
			t.Errorf("%s: got %q, want %q", what, got, c.want)
		}
	}
	r.equal("credentials", r.credentials(alice, r.at(usersKey, "alice", out.Add(-time.Second))), signedOut)
	x, err := r.Explain(t.Context(), cognito.Question{Pool: everyone, Logins: r.at(usersKey, "alice", out.Add(-time.Hour))})
	if last := x.Steps[len(x.Steps)-1]; err != nil || x.Granted || !strings.Contains(last.Detail, "sign-out of this user") {
		t.Errorf("explained as %+v, %v", x, err)
	}
}

// The latest sign-out counts, whatever the order in which they are told, and it is there after
// a restart.
func TestSignOutsStay(t *testing.T) {
	r := newKindsRig(t)
	out := time.Now().Truncate(time.Second).Add(-time.Minute)
	for _, notBefore := range []time.Time{out.Add(-time.Hour), out, out.Add(-2 * time.Hour)} {
		if err := r.signOut(usersKey, "alice", notBefore); err != nil {
			t.Fatal(err)
		}
	}
	r.equal("told in any order", r.id(everyone, r.at(usersKey, "alice", out.Add(-time.Second))), signedOut)
	prover, err := logins.New(logins.Config{Providers: []logins.Provider{
		{Name: googleKey, Issuer: r.idp.URL, ClientIDs: []string{"app"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.signOut(googleKey, "alice", out); err != nil {
		t.Fatal(err)
	}
	again, err := embedded.New(t.Context(), embedded.Config{
		Store: r.store, Prover: neighbours{prover}, Providers: map[string]embedded.Provider{googleKey: {Kind: "google"}},
		STS: r.sts, AccountID: account,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Engine = again
	r.equal("after a restart", r.id(everyone, r.at(googleKey, "alice", out.Add(-time.Second))), signedOut)
}

// What cannot be kept is refused.
func TestSignOutsThatAreRefused(t *testing.T) {
	r := newKindsRig(t)
	now := time.Now()
	for what, c := range map[string]struct {
		out  cognito.SignOut
		want string
	}{
		"another pool":         {cognito.SignOut{Pool: open, Provider: usersKey, Subject: "a", NotBefore: now}, "ResourceNotFoundException"},
		"an unlisted provider": {cognito.SignOut{Pool: everyone, Provider: "idp.example", Subject: "a", NotBefore: now}, "InvalidParameterException"},
		"Facebook":             {cognito.SignOut{Pool: everyone, Provider: facebookKey, Subject: "a", NotBefore: now}, "InvalidParameterException"},
		"Amazon":               {cognito.SignOut{Pool: everyone, Provider: amazonKey, Subject: "a", NotBefore: now}, "InvalidParameterException"},
		"SAML":                 {cognito.SignOut{Pool: everyone, Provider: samlARN, Subject: "a", NotBefore: now}, "InvalidParameterException"},
		"nobody":               {cognito.SignOut{Pool: everyone, Provider: usersKey, NotBefore: now}, "InvalidParameterException"},
		"a long name":          {cognito.SignOut{Pool: everyone, Provider: usersKey, Subject: strings.Repeat("ä", 1025), NotBefore: now}, "InvalidParameterException"},
		"too far ahead":        {cognito.SignOut{Pool: everyone, Provider: usersKey, Subject: "a", NotBefore: now.Add(6 * time.Minute)}, "InvalidParameterException"},
		"a little ahead":       {cognito.SignOut{Pool: everyone, Provider: usersKey, Subject: "a", NotBefore: now.Add(4 * time.Minute)}, ""},
		"the longest name":     {cognito.SignOut{Pool: everyone, Provider: usersKey, Subject: strings.Repeat("ä", 1024), NotBefore: now}, ""},
	} {
		got := ""
		if err := r.SignOut(t.Context(), c.out); err != nil {
			got = cognito.Public(err).ErrorCode()
		}
		r.equal(what, got, c.want)
	}
}

// Tokens of ours that were made for the user before are refused too, as pass-through and by STS.
func TestSignOutsEndOurTokens(t *testing.T) {
	r := newKindsRig(t)
	then := time.Now().Add(-time.Hour)
	login := r.at(usersKey, "alice", then)
	id := r.id(everyone, login)
	token := func(login map[string]string) string {
		t.Helper()
		out, err := r.GetOpenIdToken(t.Context(), &cognitoidentity.GetOpenIdTokenInput{IdentityId: aws.String(id), Logins: login})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Token
	}
	old := token(login)
	read, err := r.ReadToken(old)
	if err != nil {
		t.Fatal(err)
	}
	r.equal("before", r.credentials(id, map[string]string{cognito.PassThrough: old}), id+" as auth")
	if _, err := r.RecheckToken(t.Context(), read); err != nil {
		t.Errorf("before: got %v", err)
	}
	if err := r.signOut(usersKey, "alice", then.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	r.equal("afterwards", r.credentials(id, map[string]string{cognito.PassThrough: old}), signedOut)
	if _, err := r.Verify(t.Context(), old); err == nil {
		t.Error("at STS: got an old token taken")
	}
	if _, err := r.RecheckToken(t.Context(), read); err == nil {
		t.Error("rechecked: got an old token taken")
	}
	question := cognito.Question{Pool: everyone, Identity: id, Logins: map[string]string{cognito.PassThrough: old}}
	if said, err := r.Explain(t.Context(), question); err != nil || said.Granted {
		t.Errorf("explained: got it granted (%v), want it refused", err)
	}
	later := *read
	later.Issued = time.Now().Add(time.Second)
	if _, err := r.RecheckToken(t.Context(), &later); err != nil {
		t.Errorf("made afterwards: got %v", err)
	}
}

// What a pool with sign-outs was told goes with it, and one of that id that comes later has none.
func TestSignOutsGoWithTheirPool(t *testing.T) {
	r := newKindsRig(t)
	now := time.Now()
	if err := r.signOut(usersKey, "alice", now); err != nil {
		t.Fatal(err)
	}
	if _, err := r.DeleteIdentityPool(t.Context(), &cognitoidentity.DeleteIdentityPoolInput{IdentityPoolId: aws.String(everyone)}); err != nil {
		t.Fatal(err)
	}
	if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
		t.Fatal(err)
	}
	if got := r.id(everyone, r.at(usersKey, "alice", now.Add(-time.Hour))); strings.Contains(got, "Exception") {
		t.Errorf("got %q", got)
	}
}

// waitingProver proves logins of one provider when it is let.
type waitingProver struct {
	embedded.Prover
	provider         string
	reached, release chan struct{}
}

func (w *waitingProver) Prove(ctx context.Context, provider, token string) (*logins.Proof, error) {
	if provider == w.provider {
		w.reached <- struct{}{}
		<-w.release
	}
	return w.Prover.Prove(ctx, provider, token)
}

// A sign-out that is told while another login of the call is proved counts for what the call would
// bring: a token of ours, or credentials.
func TestSignOutsWhileLoginsAreProved(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(r *kindsRig, id string, logins map[string]string) error{
		"a token": func(r *kindsRig, id string, logins map[string]string) error {
			in := &cognitoidentity.GetOpenIdTokenInput{IdentityId: &id, Logins: logins}
			_, err := r.GetOpenIdToken(context.Background(), in)
			return err
		},
		"credentials": func(r *kindsRig, id string, logins map[string]string) error {
			in := &cognitoidentity.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins}
			_, err := r.GetCredentialsForIdentity(context.Background(), in)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &waitingProver{provider: facebookKey, reached: make(chan struct{}, 1), release: make(chan struct{}, 2)}
			r := newKindsRigWith(t, func(c *embedded.Config) { w.Prover, c.Prover = c.Prover, w })
			r.pool.Roles = rules.Roles{Authenticated: "arn:aws:iam::" + account + ":role/auth"}
			if err := r.ApplyPools(t.Context(), []rules.Pool{r.pool}); err != nil {
				t.Fatal(err)
			}
			both := map[string]string{
				usersKey:    r.at(usersKey, "alice", time.Now().Add(-time.Hour))[usersKey],
				facebookKey: r.idp.Token(idptest.Claims{"sub": "7", "aud": "app"}),
			}
			w.release <- struct{}{}
			id := r.id(everyone, both)
			<-w.reached
			refusal := make(chan error)
			go func() { refusal <- call(r, id, both) }()
			<-w.reached // when the user pool's login has been proved
			if err := r.signOut(usersKey, "alice", time.Now()); err != nil {
				t.Fatal(err)
			}
			w.release <- struct{}{}
			if err := <-refusal; err == nil || !strings.Contains(err.Error(), "The user was signed out.") {
				t.Errorf("got %v, want the user signed out", err)
			}
		})
	}
}

// A token of ours that is asked for while a sign-out is being written is made before it, and refused
// then, or not at all.
func TestSignOutsThatAreBeingWritten(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	told := make(chan struct{}, 10)
	r := newKindsRigWith(t, func(c *embedded.Config) {
		c.Store = s
		c.Now = func() time.Time {
			select {
			case told <- struct{}{}:
			default:
			}
			return time.Unix(0, now.Load())
		}
	})
	login := r.at(usersKey, "alice", time.Now().Add(-time.Hour))
	id := r.id(everyone, login)
	entered, release := make(chan struct{}), make(chan struct{})
	go func() { // whose write the sign-out's has to wait for
		_ = s.Update(context.Background(), func(*store.Tx) error { close(entered); <-release; return nil })
	}()
	<-entered
	for len(told) > 0 {
		<-told
	}
	written := make(chan error)
	go func() { written <- r.signOut(usersKey, "alice", time.Now()) }()
	<-told // the sign-out has its time
	now.Add(int64(2 * time.Second))
	made := make(chan string)
	go func() {
		out, err := r.GetOpenIdToken(context.Background(), &cognitoidentity.GetOpenIdTokenInput{IdentityId: &id, Logins: login})
		if err != nil {
			made <- ""
			return
		}
		made <- *out.Token
	}()
	var token string
	select {
	case token = <-made: // nothing held it up
		close(release)
	case <-time.After(200 * time.Millisecond):
		close(release)
		token = <-made
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.equal("a token", r.credentials(id, map[string]string{cognito.PassThrough: token}), signedOut)
	}
}
