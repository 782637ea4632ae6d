package contract

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/logins/idptest"
	"github.com/cognito-broker/broker/internal/sts"
)

// Refusals of STS (docs/cognito.md#assumerolewithwebidentity).
const (
	notTrusted = sts.CodeAccessDenied + ": Not authorized to perform sts:AssumeRoleWithWebIdentity"
	noJWT      = sts.CodeInvalidIdentityToken +
		": The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	noKey = sts.CodeInvalidIdentityToken +
		": Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity " +
		"documentation for requirements"
	noProvider = sts.CodeInvalidIdentityToken + ": No OpenIDConnect provider found in your account for "
)

const sessionName = "contract@broker"

// assume brings "<subject> as <session's ARN>", or a refusal as "Code: text".
func (s *scene) assume(role, token string) string {
	s.Helper()
	return assumeWith(s, role, token, func(*sts.Request) {})
}

func assumeWith(s *scene, role, token string, change func(r *sts.Request)) string {
	s.Helper()
	r := sts.Request{RoleARN: s.role(role), SessionName: sessionName, Token: token}
	change(&r)
	out, err := s.STS.AssumeRoleWithWebIdentity(s.Context(), r)
	if err != nil {
		if len(token) > 8 && strings.Contains(err.Error(), token) {
			s.Error("AssumeRoleWithWebIdentity: got a refusal that repeats the token, want none")
		}
		if refusal, ok := errors.AsType[*sts.Error](err); ok {
			return refusal.Code + ": " + refusal.Message
		}
		return "no error of the service: " + err.Error()
	}
	judge(s, out, r.Duration)
	return out.Subject + " as " + out.Credentials.AssumedRoleARN
}

// judge holds an answer of STS against docs/cognito.md#assumerolewithwebidentity.
func judge(s *scene, out *sts.Response, asked time.Duration) {
	s.Helper()
	s.equal("Provider", out.Provider, cognito.PassThrough)
	if asked == 0 {
		asked = time.Hour
	}
	c := out.Credentials
	if life := time.Until(c.Expiration); life > asked+time.Second || life < asked-time.Minute {
		s.Errorf("credentials: got a life of %v, want %v", life, asked)
	}
	if !regexp.MustCompile(`^AROA[A-Z0-9]+:`+sessionName+`$`).MatchString(c.AssumedRoleID) ||
		!strings.HasPrefix(c.AccessKeyID, "ASIA") {
		s.Errorf("got role id %q and access key %q, want those of a session", c.AssumedRoleID, c.AccessKeyID)
	}
	if s.WhoAmI == nil {
		return
	}
	arn, err := s.WhoAmI(s.Context(), c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	if err != nil {
		s.Fatalf("the credentials prove nothing: %v", err)
	}
	s.equal("the session", arn, c.AssumedRoleARN)
}

// assumedRoles is who may have which role: what the pool hands out to the like of
// him.
func assumedRoles(s *scene) {
	alice, guest := s.someone(), s.guest()
	guests := s.token(guest, nil)
	id := s.identity(s.Pools.Open, s.login(alice))
	users := s.token(id, s.login(alice))
	s.equal("a guest", s.assume(Unauthenticated, guests), guest+" as "+s.assumed(Unauthenticated, sessionName))
	s.equal("a guest for users' role", s.assume(Authenticated, guests), notTrusted)
	s.equal("a user", s.assume(Authenticated, users), id+" as "+s.assumed(Authenticated, sessionName))
	s.equal("a user for guests' role", s.assume(Unauthenticated, users), notTrusted)
	s.equal("a role that the pool does not name", s.assume("other", users), notTrusted)
	s.equal("a role by half its name", s.assume("aut", users), notTrusted)
	s.equal("a role of another account", assumeWith(s, "", users, func(r *sts.Request) {
		r.RoleARN = "arn:aws:iam::999999999999:role/auth"
	}), notTrusted)

	pool := s.pool(func(*createInput) {})
	s.must("SetIdentityPoolRoles", s.setRoles(pool, map[string]string{"authenticated": s.role("path/second")}, nil))
	other := s.identity(pool, s.login(alice))
	second := s.token(other, s.login(alice))
	s.equal("another pool's role", s.assume("path/second", second), other+" as "+s.assumed("second", sessionName))
	s.equal("another pool's user", s.assume(Authenticated, second), notTrusted)
	s.equal("for another pool's role", s.assume("path/second", users), notTrusted)
	s.equal("a role without its path", s.assume("second", second), notTrusted)
	s.equal("a pool without a role for guests", s.assume(Unauthenticated, s.token(s.identity(pool, nil), nil)), notTrusted)
	out, err := s.STS.AssumeRoleWithWebIdentity(s.Context(),
		sts.Request{RoleARN: s.role(Authenticated), SessionName: sessionName, Token: users})
	if err != nil {
		s.Fatal(err)
	}
	s.equal("Audience", out.Audience, s.Pools.Open)
	backend, developers := s.developer(func(in *developerInput) {
		in.IdentityPoolId = &s.Pools.Closed
		in.Logins = user(alice)
	})
	s.equal("a backend's user", s.assume(Authenticated, developers), backend+" as "+s.assumed(Authenticated, sessionName))
}

// assumedTokens is which tokens prove anything.
func assumedTokens(s *scene) {
	alice, bob := s.someone(), s.someone()
	id := s.identity(s.Pools.Open, s.login(alice))
	token := s.token(id, s.login(alice))
	other := s.token(s.identity(s.Pools.Open, s.login(bob)), s.login(bob))
	s.equal("altered", s.assume(Authenticated, altered(token)), noKey)
	s.equal("spliced", s.assume(Authenticated, spliced(token, other)), noKey)
	s.equal("no JWT", s.assume(Authenticated, "opaque"), noJWT)
	claims := idptest.Claims{"sub": id, "aud": s.Pools.Open, "amr": []string{"authenticated"}}
	s.refused("of a login provider", s.assume(Authenticated, s.Providers[0].Token(claims)), sts.CodeInvalidIdentityToken)
	stranger := idptest.Start(s.T)
	s.equal("of a stranger", s.assume(Authenticated, stranger.Token(claims)), noProvider+stranger.URL)
	claims["iss"] = s.Issuer
	s.refused("of a stranger in our name", s.assume(Authenticated, stranger.Token(claims)), sts.CodeInvalidIdentityToken)
}

// assumedAfterChanges holds a token against what changed since it was made.
func assumedAfterChanges(s *scene) {
	alice := s.someone()
	id := s.guest()
	guests := s.token(id, nil)
	s.equal("a guest", s.assume(Unauthenticated, guests), id+" as "+s.assumed(Unauthenticated, sessionName))
	users := s.token(id, s.both(alice, alice))
	s.equal("a guest who signed in", s.assume(Unauthenticated, guests), notTrusted)
	second := s.token(id, s.loginAt(1, alice))
	s.equal("a user", s.assume(Authenticated, users), id+" as "+s.assumed(Authenticated, sessionName))
	s.must("UnlinkIdentity", s.unlink(id, s.login(alice), s.Providers[0].Name()))
	s.equal("a login is unlinked", s.assume(Authenticated, users), notTrusted)
	s.equal("another login is not", s.assume(Authenticated, second), id+" as "+s.assumed(Authenticated, sessionName))

	pool := s.pool(func(*createInput) {})
	id = s.identity(pool, s.login(alice))
	users, guests = s.token(id, s.login(alice)), s.token(s.identity(pool, nil), nil)
	s.must("SetIdentityPoolRoles", s.setRoles(pool, map[string]string{"authenticated": s.role("second")}, nil))
	s.equal("a role that was replaced", s.assume(Authenticated, users), notTrusted)
	s.equal("the one in its place", s.assume("second", users), id+" as "+s.assumed("second", sessionName))
	s.equal("a role that was taken away", s.assume(Unauthenticated, guests), notTrusted)
	s.must("SetIdentityPoolRoles", s.setRoles(pool, usualRoles(s), nil))
	s.must("UpdateIdentityPool", updated(s, whole(s, pool, func(in *updateInput) {
		in.AllowUnauthenticatedIdentities = false
	})))
	s.equal("guests that are allowed no more", s.assume(Unauthenticated, guests), notTrusted)
	s.must("UpdateIdentityPool", updated(s, whole(s, pool, func(in *updateInput) { in.OpenIdConnectProviderARNs = nil })))
	s.equal("a provider that is gone", s.assume(Authenticated, users), notTrusted)
	s.must("DeleteIdentityPool", s.deletePool(pool))
	s.equal("a pool that is gone", s.assume(Authenticated, users), notTrusted)
}

// assumedBounds is the table of parameters in docs/cognito.md#assumerolewithwebidentity.
func assumedBounds(s *scene) {
	token := s.token(s.guest(), nil)
	for what, c := range map[string]struct {
		change func(r *sts.Request)
		want   string // of the refusal
	}{
		"an hour by default":   {func(*sts.Request) {}, ""},
		"900 s":                {func(r *sts.Request) { r.Duration = 900 * time.Second }, ""},
		"43200 s":              {func(r *sts.Request) { r.Duration = 43200 * time.Second }, ""},
		"899 s":                {func(r *sts.Request) { r.Duration = 899 * time.Second }, sts.CodeValidation},
		"43201 s":              {func(r *sts.Request) { r.Duration = 43201 * time.Second }, sts.CodeValidation},
		"a name of 1":          {func(r *sts.Request) { r.SessionName = "a" }, sts.CodeValidation},
		"a name of 65":         {func(r *sts.Request) { r.SessionName = text(65) }, sts.CodeValidation},
		"a name with a blank":  {func(r *sts.Request) { r.SessionName = "a b" }, sts.CodeValidation},
		"a role of 19":         {func(r *sts.Request) { r.RoleARN = text(19) }, sts.CodeValidation},
		"a role of 2049":       {func(r *sts.Request) { r.RoleARN = text(2049) }, sts.CodeValidation},
		"a token of 3":         {func(r *sts.Request) { r.Token = text(3) }, sts.CodeValidation},
		"a token of 20001":     {func(r *sts.Request) { r.Token = text(20001) }, sts.CodeValidation},
		"a token of 20000":     {func(r *sts.Request) { r.Token = text(20000) }, sts.CodeInvalidIdentityToken},
		"a policy that is not": {func(r *sts.Request) { r.Policy = "x" }, sts.CodeMalformedPolicyDocument},
	} {
		got := assumeWith(s, Unauthenticated, token, c.change)
		if c.want == "" {
			s.equal(what, refusalOf(got), "")
			continue
		}
		s.refused(what, got, c.want)
	}
	for _, n := range []int{2, 64} {
		out, err := s.STS.AssumeRoleWithWebIdentity(s.Context(),
			sts.Request{RoleARN: s.role(Unauthenticated), SessionName: text(n), Token: token})
		if err != nil {
			s.Errorf("a name of %d: got %v, want credentials", n, err)
			continue
		}
		s.equal("a name in the session", out.Credentials.AssumedRoleARN, s.assumed(Unauthenticated, text(n)))
	}
}
