package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
	"github.com/cognito-broker/broker/internal/loginkey"
	"github.com/cognito-broker/broker/internal/logins"
	"github.com/cognito-broker/broker/internal/sts"
	"github.com/cognito-broker/broker/internal/userpool"
)

// explained is who a call was found to come from.
type explained struct {
	access
	identity string
}

// explainer goes through the steps of a call.
type explainer struct{ *Engine }

// explanation is one in the making.
type explanation struct{ cognito.Explanation }

func (x *explanation) pass(check, format string, args ...any) {
	x.Steps = append(x.Steps, cognito.Step{Check: check, Passed: true, Detail: fmt.Sprintf(format, args...)})
}

// refuse notes a refusal, and returns it.
func (x *explanation) refuse(check string, err error, format string, args ...any) error {
	api := cognito.Public(err)
	x.Code, x.Message = api.ErrorCode(), api.ErrorMessage()
	x.Steps = append(x.Steps, cognito.Step{Check: check, Detail: fmt.Sprintf(format, args...)})
	return err
}

// Explain goes through a call of the enhanced flow as GetId and
// GetCredentialsForIdentity would, without changing anything: no identity is made,
// none linked or merged. It fails for passing reasons only; a refusal is an
// Explanation, and so is a login provider that cannot be asked: that may be
// configured wrongly.
func (e *Engine) Explain(ctx context.Context, q cognito.Question) (*cognito.Explanation, error) {
	x := &explanation{}
	err := (&explainer{e}).explain(ctx, x, q)
	if err != nil && !ofProvider(err) && cognito.Passing(err) {
		return nil, err
	}
	return &x.Explanation, nil
}

// ofProvider reports whether a failure is of a login provider that cannot be asked.
func ofProvider(err error) bool {
	_, provider := errors.AsType[*logins.Unavailable](err)
	_, users := errors.AsType[*userpool.Unavailable](err)
	return provider || users || errors.Is(err, errUnchecked)
}

// explain notes step after step, the refusal too, which it returns.
func (e *explainer) explain(ctx context.Context, x *explanation, q cognito.Question) error {
	pool, ok := e.pool(q.Pool)
	if !ok {
		return x.refuse("pool", cognito.PoolNotFound(q.Pool), "there is no such pool")
	}
	x.pass("pool", "%s: %d providers, guests allowed: %v", pool.Name, pool.Providers(), pool.AllowGuests)
	who, err := e.explainLogins(ctx, x, &pool, q)
	if err != nil {
		return err
	}
	if err := e.explainIdentity(ctx, x, &pool, q, &who); err != nil {
		return err
	}
	return e.explainRole(x, &pool, q, who)
}

// explainLogins proves the logins. A refusal is noted and returned.
func (e *explainer) explainLogins(
	ctx context.Context, x *explanation, pool *rules.Pool, q cognito.Question,
) (explained, error) {
	if token, ok := q.Logins[cognito.PassThrough]; ok && len(q.Logins) == 1 {
		t, err := e.ReadToken(token)
		if err != nil {
			return explained{}, x.refuse("token", err, "a token of this broker's issuer: %s", cognito.Public(err).ErrorMessage())
		}
		if _, err := e.RecheckToken(ctx, t); err != nil {
			return explained{}, x.refuse("token", err, "%s", whyNot(err))
		}
		x.pass("token", "is genuine, of identity pool %s", t.Pool)
		return explained{access{t.AMR, t.Tags, rules.AMRProven(pool, t.AMR)}, t.Identity}, nil
	}
	for _, provider := range slices.Sorted(maps.Keys(q.Logins)) {
		check := "login " + provider
		proven, err := e.prove(ctx, pool, map[string]string{provider: q.Logins[provider]})
		if err != nil {
			return explained{}, x.refuse(check, err, "%s", e.reasonOf(pool, provider, err))
		}
		x.pass(check, "%s", e.whatIsGood(pool, proven[0]))
	}
	proven, err := e.prove(ctx, pool, q.Logins)
	return explained{access: access{rules.AMR(pool, proven), rules.PrincipalTags(pool, proven), proven}}, err
}

// claimFormat is the claim by which a proof of a SAML assertion tells the format of its NameID,
// in IAM's words (saml:sub_type): persistent, transient, or the URI of another.
const claimFormat = "saml:sub_type"

// whatIsGood says what was checked of a login that is good, by its kind.
func (e *explainer) whatIsGood(pool *rules.Pool, l rules.Proven) string {
	switch {
	case pool.Way(l.Provider) == rules.BySAML:
		said := "signature, issuer, recipient, audience and time of the assertion are good"
		if format, _ := l.Claims.Claim(claimFormat); format == "transient" {
			said += "; its NameID is transient, so each sign-in is a new identity"
		}
		return said
	case e.kind(l.Provider).Opaque():
		return "the provider vouches for the token, app and time are good; app " + l.ClientID
	case pool.Way(l.Provider) == rules.ByUserPool:
		return "issuer, signature, token_use, client and time are good; client " + l.ClientID
	}
	return "issuer, signature, client and time are good; client " + l.ClientID
}

// reasonOf says more of a login than callers are told: of a provider that cannot be
// asked why, of a token what is wrong with it. Neither repeats anything of the token.
func (e *explainer) reasonOf(pool *rules.Pool, provider string, err error) string {
	key := pool.Key(provider)
	switch listed, kind := pool.Way(key), e.kind(key); {
	case listed == 0:
		return "the pool does not list this provider; it lists " + pool.ProviderNames()
	case !e.prover.Known(key):
		return "the pool lists this provider, and login_providers of the configuration does not"
	case listed == rules.ByOIDC && kind != loginkey.OIDC && !e.fits(pool, key):
		return "the pool names the provider's ARN, and login_providers has no client_ids for it"
	case !e.fits(pool, key):
		return "login_providers has this provider as one of the kind " + string(kind) + ", and the pool lists it as another"
	}
	if unavailable, ok := errors.AsType[*logins.Unavailable](err); ok {
		return fmt.Sprintf("the provider cannot be asked, so nobody's login can be proved: %v", unavailable.Unwrap())
	}
	return whyNot(err)
}

// whyNot says more of a login, or of a token of ours, that is refused.
func whyNot(err error) string {
	if down, ok := errors.AsType[*userpool.Unavailable](err); ok {
		return fmt.Sprintf("ServerSideTokenCheck: the user pool cannot be asked for the user: %v", down.Unwrap())
	}
	if gone, ok := errors.AsType[*userpool.Gone](err); ok {
		return cognito.Public(err).ErrorMessage() + " (ServerSideTokenCheck: " + gone.Error() + ")"
	}
	for _, why := range []error{errClient, errSignedOut, errUnchecked} {
		if errors.Is(err, why) {
			return cognito.Public(err).ErrorMessage() + " (" + why.Error() + ")"
		}
	}
	said := cognito.Public(err).ErrorMessage()
	if refused, ok := errors.AsType[*logins.Refused](err); ok && refused.Unwrap() != nil {
		said += " (" + refused.Unwrap().Error() + ")"
	}
	return said
}

// explainIdentity finds whom the call would be answered as.
func (e *explainer) explainIdentity(
	ctx context.Context, x *explanation, pool *rules.Pool, q cognito.Question, who *explained,
) error {
	const check = "identity"
	if len(q.Logins) == 0 && q.Identity == "" {
		if !pool.AllowGuests {
			return x.refuse(check, cognito.NotAuthorized(cognito.MsgGuestsNotAllowed),
				"no logins were given, and the pool takes no guests")
		}
		x.pass(check, "a new guest would be made")
		return nil
	}
	if q.Identity == "" {
		q.Identity = who.identity // of a token of ours; empty otherwise
	}
	var r rules.Resolution
	err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = e.wouldResolve(tx, pool, q, who)
		return err
	})
	if err != nil {
		return x.refuse(check, err, "%s", cognito.Public(err).ErrorMessage())
	}
	who.identity = r.Identity
	switch {
	case r.Identity == "":
		x.pass(check, "a new identity would be made for the logins")
	case r.Changes():
		x.pass(check, "%s; %d logins would be linked to it, %d identities merged into it", r.Identity, len(r.Link),
			len(r.Merge))
	default:
		x.pass(check, "%s", r.Identity)
	}
	return nil
}

func (e *explainer) wouldResolve(
	tx *store.Tx, pool *rules.Pool, q cognito.Question, who *explained,
) (rules.Resolution, error) {
	asked := loginsOf(who.proven)
	_, own := q.Logins[cognito.PassThrough]
	if q.Identity == "" && !own {
		facts, err := gather(tx, pool, asked)
		if err != nil {
			return rules.Resolution{}, err
		}
		return rules.ResolveNew(pool, asked, facts)
	}
	if own {
		asked, _ = rules.AMRLogins(pool, who.amr)
	}
	identity, facts, err := present(tx, pool, q.Identity, asked)
	switch {
	case err != nil:
		return rules.Resolution{}, err
	case identity.Pool != pool.ID:
		return rules.Resolution{}, cognito.IdentityNotFound(q.Identity)
	case own:
		return rules.Resolution{Identity: identity.ID},
			rules.TokenAccess(pool, identity, pool.ID, who.identity, who.amr, facts)
	case len(asked) == 0:
		return rules.Resolution{Identity: identity.ID}, rules.GuestAccess(pool, identity)
	}
	return rules.Resolve(pool, identity, asked, facts)
}

// explainRole tells how the role is chosen, and what its trust policy says.
func (e *explainer) explainRole(x *explanation, pool *rules.Pool, q cognito.Question, who explained) error {
	choice := rules.ChooseRole(pool, e.accountID, who.proven, q.Role)
	for _, login := range choice.Logins {
		x.explainMapping(login)
	}
	role, err := choice.Result()
	if err != nil {
		return x.refuse("role", err, "%s", choice.Why)
	}
	x.pass("role", "%s: %s", role, choice.Why)
	identity := who.identity
	if identity == "" {
		identity = "a-new-identity"
	}
	if policy, ok := e.trust[role]; ok {
		d := policy.Decide(trustRequest(sts.AssumeRequest{RoleARN: role, SessionName: sessionName, Identity: sts.WebIdentity{
			Provider: cognito.PassThrough, Audience: pool.ID, Subject: identity, AMR: who.amr, Tags: who.tags,
		}}))
		if !d.Allowed {
			return x.refuse("trust policy", cognito.InvalidPoolConfiguration(cognito.MsgPoolConfiguration),
				"statement %s, line %d: %s", d.Statement, d.Line, d.Reason)
		}
		x.pass("trust policy", "statement %s, line %d allows it", d.Statement, d.Line)
	} else {
		x.pass("trust policy",
			"the role has none here: the pool names it, that is enough for the built-in STS; a real STS asks its own")
	}
	x.Granted, x.Role = true, role
	return nil
}

// explainMapping tells what the role mapping of a login's provider says.
func (x *explanation) explainMapping(l rules.LoginChoice) {
	if l.Key == "" {
		return
	}
	check := "role mapping " + l.Key
	for n, r := range l.Rules {
		got := "the claim is absent"
		if r.Present {
			got = fmt.Sprintf("the claim is %q", r.Got)
		}
		x.Steps = append(x.Steps, cognito.Step{
			Check: fmt.Sprintf("%s, rule %d", check, n+1), Passed: r.Matched,
			Detail: fmt.Sprintf("%s %s %q: %s", r.Claim, r.Match, r.Value, got),
		})
	}
	x.Steps = append(x.Steps, cognito.Step{Check: check, Passed: l.Role != "", Detail: l.Type + ": " + l.Why})
}
