package flows_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// settings are the one pool of the backend. Sessions bear its role.
type settings struct {
	role    string
	name    string
	labels  map[string]string
	noGuest bool
	tags    map[string]string
	deleted bool

	reads   atomic.Int32
	read    func()                                  // runs within each reading, after it saw the pool
	unread  error                                   // outcome of each reading
	outcome func(operation string, do func()) error // of each change, which do makes; nil: it is made
}

// alter makes a change of the pool, if it is made.
func (b *backend) alter(operation string, do func(*settings)) error {
	if err := b.change(operation); err != nil {
		return err
	}
	make := func() { b.set(func(b *backend) { do(&b.pool) }) }
	b.mu.Lock()
	outcome, deleted := b.pool.outcome, b.pool.deleted
	b.mu.Unlock()
	switch {
	case deleted:
		return cognito.PoolNotFound(pool)
	case outcome != nil:
		return outcome(operation, make)
	}
	make()
	return nil
}

// show reads the pool.
func (b *backend) show(read func(*settings)) error {
	b.pool.reads.Add(1)
	b.mu.Lock()
	if after := b.pool.read; after != nil {
		defer after()
	}
	defer b.mu.Unlock()
	switch {
	case b.pool.unread != nil:
		return b.pool.unread
	case b.pool.deleted:
		return cognito.PoolNotFound(pool)
	}
	read(&b.pool)
	return nil
}

func (b *backend) SetIdentityPoolRoles(
	_ context.Context, in *ci.SetIdentityPoolRolesInput, _ ...func(*ci.Options),
) (*ci.SetIdentityPoolRolesOutput, error) {
	return &ci.SetIdentityPoolRolesOutput{}, b.alter(
		"SetIdentityPoolRoles", func(s *settings) { s.role = in.Roles["authenticated"] },
	)
}

func (b *backend) GetIdentityPoolRoles(
	context.Context, *ci.GetIdentityPoolRolesInput, ...func(*ci.Options),
) (*ci.GetIdentityPoolRolesOutput, error) {
	out := &ci.GetIdentityPoolRolesOutput{IdentityPoolId: aws.String(pool)}
	return out, b.show(func(s *settings) { out.Roles = map[string]string{"authenticated": s.role} })
}

func (b *backend) SetPrincipalTagAttributeMap(
	_ context.Context, in *ci.SetPrincipalTagAttributeMapInput, _ ...func(*ci.Options),
) (*ci.SetPrincipalTagAttributeMapOutput, error) {
	return &ci.SetPrincipalTagAttributeMapOutput{}, b.alter(
		"SetPrincipalTagAttributeMap", func(s *settings) { s.tags = maps.Clone(in.PrincipalTags) },
	)
}

func (b *backend) GetPrincipalTagAttributeMap(
	context.Context, *ci.GetPrincipalTagAttributeMapInput, ...func(*ci.Options),
) (*ci.GetPrincipalTagAttributeMapOutput, error) {
	out := &ci.GetPrincipalTagAttributeMapOutput{}
	return out, b.show(func(s *settings) { out.PrincipalTags = maps.Clone(s.tags) })
}

func (b *backend) UpdateIdentityPool(
	ctx context.Context, in *ci.UpdateIdentityPoolInput, _ ...func(*ci.Options),
) (*ci.UpdateIdentityPoolOutput, error) {
	err := b.alter("UpdateIdentityPool", func(s *settings) {
		s.name, s.labels = aws.ToString(in.IdentityPoolName), maps.Clone(in.IdentityPoolTags)
		s.noGuest = !in.AllowUnauthenticatedIdentities
	})
	if err != nil {
		return nil, err
	}
	out, err := b.DescribeIdentityPool(ctx, nil)
	if err != nil {
		return nil, err
	}
	told := ci.UpdateIdentityPoolOutput(*out)
	told.SamlProviderARNs = []string{} // as absent
	return &told, nil
}

func (b *backend) DescribeIdentityPool(
	context.Context, *ci.DescribeIdentityPoolInput, ...func(*ci.Options),
) (*ci.DescribeIdentityPoolOutput, error) {
	out := &ci.DescribeIdentityPoolOutput{IdentityPoolId: aws.String(pool)}
	return out, b.show(func(s *settings) {
		out.IdentityPoolName, out.IdentityPoolTags = aws.String(s.name), maps.Clone(s.labels)
		out.AllowUnauthenticatedIdentities = !s.noGuest
	})
}

func (b *backend) DeleteIdentityPool(
	context.Context, *ci.DeleteIdentityPoolInput, ...func(*ci.Options),
) (*ci.DeleteIdentityPoolOutput, error) {
	return &ci.DeleteIdentityPoolOutput{}, b.alter("DeleteIdentityPool", func(s *settings) { s.deleted = true })
}

func (b *backend) TagResource(
	context.Context, *ci.TagResourceInput, ...func(*ci.Options),
) (*ci.TagResourceOutput, error) {
	return &ci.TagResourceOutput{}, b.alter("TagResource", func(s *settings) { s.labels = map[string]string{"a": "b"} })
}

func (b *backend) UntagResource(
	context.Context, *ci.UntagResourceInput, ...func(*ci.Options),
) (*ci.UntagResourceOutput, error) {
	return &ci.UntagResourceOutput{}, b.alter("UntagResource", func(s *settings) { s.labels = nil })
}

// poolChanges are the changes of a pool, to a new state each time.
var poolChanges = map[string]func(r *rig, to string) error{
	"SetIdentityPoolRoles": func(r *rig, to string) error {
		_, err := r.SetIdentityPoolRoles(
			context.Background(),
			&ci.SetIdentityPoolRolesInput{IdentityPoolId: ptr(pool), Roles: map[string]string{"authenticated": to}},
		)
		return err
	},
	"SetPrincipalTagAttributeMap": func(r *rig, to string) error {
		_, err := r.SetPrincipalTagAttributeMap(context.Background(), &ci.SetPrincipalTagAttributeMapInput{
			IdentityPoolId: ptr(pool), IdentityProviderName: ptr(idp), PrincipalTags: map[string]string{"to": to}})
		return err
	},
	"UpdateIdentityPool": func(r *rig, to string) error {
		_, err := r.UpdateIdentityPool(context.Background(), &ci.UpdateIdentityPoolInput{
			IdentityPoolId: ptr(pool), IdentityPoolName: ptr(to), AllowUnauthenticatedIdentities: false})
		return err
	},
	"DeleteIdentityPool": func(r *rig, _ string) error {
		_, err := r.DeleteIdentityPool(context.Background(), &ci.DeleteIdentityPoolInput{IdentityPoolId: ptr(pool)})
		return err
	},
}

func (r *rig) setRoles(to string) error { return poolChanges["SetIdentityPoolRoles"](r, to) }

// crowd are n users whose credentials and identities are asked for.
type crowd struct {
	r *rig
	n int
}

func crowdID(n int) string { return fmt.Sprintf("us-east-1:%08x-2222-4111-8111-111111111111", n+1) }

// login is of a subject of one letter, as prover reads it.
func (crowd) login(n int) string { return string(rune('A' + n)) }

// ask asks for all once, and returns how many had a hit, the roles served, and how
// many failed.
func (c crowd) ask() (hits int, roles map[string]int, failed int) {
	roles = map[string]int{}
	for n := range c.n {
		role, hit, err := c.one(n)
		if err != nil {
			failed++
			continue
		}
		if hit {
			hits++
		}
		roles[role]++
	}
	return hits, roles, failed
}

// one asks for one user's credentials.
func (c crowd) one(n int) (role string, hit bool, err error) {
	info := &flows.CallInfo{}
	in := &ci.GetCredentialsForIdentityInput{
		IdentityId: aws.String(crowdID(n)), Logins: map[string]string{idp: c.login(n % 26)},
	}
	out, err := c.r.GetCredentialsForIdentity(flows.WithCallInfo(context.Background(), info), in)
	if err != nil {
		return "", false, err
	}
	return *out.Credentials.SessionToken, info.Outcome == flows.Hit, nil
}

// known asks for the identities of 20 logins, and returns how many were known.
func (c crowd) known() (hits int) {
	for n := range 20 {
		info := &flows.CallInfo{}
		_, err := c.r.GetId(
			flows.WithCallInfo(context.Background(), info),
			&ci.GetIdInput{IdentityPoolId: ptr(pool), Logins: map[string]string{idp: c.login(n)}},
		)
		if err == nil && info.Outcome == flows.Hit {
			hits++
		}
	}
	return hits
}

// newCrowd are users who have been served.
func newCrowd(r *rig, n int) crowd {
	c := crowd{r, n}
	c.ask()
	c.known()
	return c
}

// cut is what is known of a call whose connection broke.
func cut() error { return cognito.Unsettled(cognito.Unavailable(context.DeadlineExceeded)) }

// surelyNotMade are answers of a backend that made no change.
var surelyNotMade = map[string]error{
	"throttled":      cognito.TooManyRequests("slow"),
	"not authorized": cognito.NotAuthorized("no"),
	"invalid":        cognito.InvalidParameter("no"),
	"validation":     cognito.Validation("no"),
	"limit":          cognito.LimitExceeded("no"),
	"concurrent":     &types.ConcurrentModificationException{},
	"not sent":       cognito.Unsent(cognito.Unavailable(context.DeadlineExceeded)),
}

func sessionOf(role string) string { return cmp.Or(role, "t") }

func rolesInput() *ci.GetIdentityPoolRolesInput {
	return &ci.GetIdentityPoolRolesInput{IdentityPoolId: ptr(pool)}
}
