package flows_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// closedBackend is a backend that tells whose an identity is only to who asks as a guest,
// or for its description, and counts calls that came with logins.
type closedBackend struct {
	*backend
	asGuest   error
	described []string // logins; nil: refused
	asked     int
}

func (d *closedBackend) GetCredentialsForIdentity(
	ctx context.Context, in *ci.GetCredentialsForIdentityInput, opts ...func(*ci.Options),
) (*ci.GetCredentialsForIdentityOutput, error) {
	if len(in.Logins) > 0 {
		d.asked++
	} else if d.asGuest != nil {
		return nil, d.asGuest
	}
	return d.backend.GetCredentialsForIdentity(ctx, in, opts...)
}

func (d *closedBackend) GetOpenIdToken(
	ctx context.Context, in *ci.GetOpenIdTokenInput, opts ...func(*ci.Options),
) (*ci.GetOpenIdTokenOutput, error) {
	if len(in.Logins) > 0 {
		d.asked++
	}
	return d.backend.GetOpenIdToken(ctx, in, opts...)
}

func (d *closedBackend) GetOpenIdTokenForDeveloperIdentity(
	ctx context.Context, in *ci.GetOpenIdTokenForDeveloperIdentityInput, opts ...func(*ci.Options),
) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	d.asked++
	return d.backend.GetOpenIdTokenForDeveloperIdentity(ctx, in, opts...)
}

func (d *closedBackend) DescribeIdentity(
	context.Context, *ci.DescribeIdentityInput, ...func(*ci.Options),
) (*ci.DescribeIdentityOutput, error) {
	if d.described == nil {
		return nil, cognito.Internal()
	}
	return &ci.DescribeIdentityOutput{IdentityId: aws.String(user), Logins: d.described}, nil
}

// Without the fleet a call that may link changes nothing. One is made all the same
// where it is known here, or the backend tells, that it links nothing.
func TestUnfenced(t *testing.T) {
	one, two := map[string]string{idp: "a1"}, map[string]string{idp: "a1", idp2: "b1"}
	forbidden, closed := cognito.AccessForbidden(user), cognito.NotAuthorized(cognito.MsgGuestsNotAllowed)
	owned := func(r *rig) { r.directory.Owns(pool, idp, "a", user) }
	owned2 := func(r *rig) { r.directory.Owns(pool, idp, "a", "us-east-1:other") }
	for _, test := range []struct {
		name    string
		prepare func(r *rig)
		closedBackend
		logins map[string]string
		served bool
	}{
		{"a guest's", nil, closedBackend{}, one, false},
		{"a user's", nil, closedBackend{asGuest: forbidden}, one, true},
		{"a user's, in a pool without guests", nil, closedBackend{asGuest: closed, described: []string{idp}}, one, true},
		{"a guest's, in a pool without guests", nil, closedBackend{asGuest: closed, described: []string{}}, one, false},
		{"in a pool without guests, which may not be seen", nil, closedBackend{asGuest: closed}, one, false},
		{
			"the backend is busy", nil, closedBackend{asGuest: cognito.TooManyRequests("no"), described: []string{idp}}, one,
			false,
		},
		{"the backend is gone", nil, closedBackend{asGuest: cognito.Internal()}, one, false},
		{"two logins of a user's", nil, closedBackend{asGuest: forbidden}, two, false},
		{"the login's own", owned, closedBackend{}, one, true},
		{"another login's", owned2, closedBackend{}, one, false},
		{"its login's and one more", owned, closedBackend{}, two, false},
		{"a login that nobody here can prove, a guest's", nil, closedBackend{}, map[string]string{foreign: "t"}, false},
		{
			"a login that nobody here can prove, a user's", nil, closedBackend{asGuest: forbidden},
			map[string]string{foreign: "t"}, true,
		},
		{
			"a login whose provider cannot be asked, a user's", nil, closedBackend{asGuest: forbidden},
			map[string]string{idp: "down"}, true,
		},
		{"a login whose provider cannot be asked, a guest's", nil, closedBackend{}, map[string]string{idp: "down"}, false},
	} {
		for call, do := range map[string]func(*rig) error{
			"credentials": func(r *rig) error { _, err := r.askAll(user, maps.Clone(test.logins)); return err },
			"token": func(r *rig) error {
				_, err := r.Token(r.t.Context(), pool, user, maps.Clone(test.logins))
				return err
			},
			"classic": func(r *rig) error {
				_, err := r.Grant(r.t.Context(), flows.GrantRequest{
					Pool: pool, IdentityID: user, Logins: maps.Clone(test.logins), Classic: &flows.Classic{RoleARN: role},
				})
				return err
			},
		} {
			t.Run(test.name+", "+call, func(t *testing.T) {
				r := newRig(t)
				backend := test.closedBackend
				backend.backend = r.backend
				r.Next = &backend
				r.directory.guests.Store(user, true) // as far as is known here
				r.Epochs.ShareWith(&unreachable{lease: cache.NewLease(), down: true, ended: map[cache.Scope]int{}})
				if test.prepare != nil {
					test.prepare(r)
				}
				err := do(r)
				if test.served && (err != nil || backend.asked == 0) {
					t.Errorf("got %v, want an answer", err)
				}
				if !test.served && (!errors.Is(err, cognito.ErrUnavailable) || backend.asked > 0) {
					t.Errorf(
						"got %v, and %d calls of the backend with logins; want %v and none", err, backend.asked, cognito.ErrUnavailable,
					)
				}
			})
		}
	}
}

// A backend's call that names an identity may link its user, whoever the identity is.
func TestDevelopersAreNotServedUnfenced(t *testing.T) {
	r := newRig(t)
	backend := &closedBackend{backend: r.backend, asGuest: cognito.AccessForbidden(user), described: []string{idp}}
	r.Next = backend
	r.Epochs.ShareWith(&unreachable{lease: cache.NewLease(), down: true, ended: map[cache.Scope]int{}})
	for name, logins := range map[string]map[string]string{
		"alone": nil, "with a login": {idp: "a1"}, "with a bad login": {idp: "bad"},
	} {
		request := flows.DeveloperRequest{Pool: pool, User: "u", IdentityID: user, Logins: logins}
		if _, err := r.DeveloperGrant(t.Context(), request); !errors.Is(err, cognito.ErrUnavailable) || backend.asked > 0 {
			t.Errorf(
				"credentials %s: got %v, and %d calls of the backend; want %v and none", name, err, backend.asked,
				cognito.ErrUnavailable,
			)
		}
		if _, err := r.DeveloperToken(t.Context(), request); !errors.Is(err, cognito.ErrUnavailable) || backend.asked > 0 {
			t.Errorf(
				"a token %s: got %v, and %d calls of the backend; want %v and none", name, err, backend.asked,
				cognito.ErrUnavailable,
			)
		}
	}
}
