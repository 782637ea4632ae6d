package flows_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

// discreet is a backend that tells whose an identity is only to who asks as a guest,
// or for its description, and counts calls that came with logins.
type discreet struct {
	*backend
	asGuest   error
	described []string // logins; nil: refused
	asked     int
}

func (d *discreet) GetCredentialsForIdentity(ctx context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	if len(in.Logins) > 0 {
		d.asked++
	} else if d.asGuest != nil {
		return nil, d.asGuest
	}
	return d.backend.GetCredentialsForIdentity(ctx, in, opts...)
}

func (d *discreet) GetOpenIdToken(ctx context.Context, in *cognitoidentity.GetOpenIdTokenInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetOpenIdTokenOutput, error) {
	if len(in.Logins) > 0 {
		d.asked++
	}
	return d.backend.GetOpenIdToken(ctx, in, opts...)
}

func (d *discreet) GetOpenIdTokenForDeveloperIdentity(ctx context.Context, in *cognitoidentity.GetOpenIdTokenForDeveloperIdentityInput, opts ...func(*cognitoidentity.Options)) (*cognitoidentity.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	d.asked++
	return d.backend.GetOpenIdTokenForDeveloperIdentity(ctx, in, opts...)
}

func (d *discreet) DescribeIdentity(context.Context, *cognitoidentity.DescribeIdentityInput, ...func(*cognitoidentity.Options)) (*cognitoidentity.DescribeIdentityOutput, error) {
	if d.described == nil {
		return nil, cognito.Internal()
	}
	return &cognitoidentity.DescribeIdentityOutput{IdentityId: aws.String(user), Logins: d.described}, nil
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
		discreet
		logins map[string]string
		served bool
	}{
		{"a guest's", nil, discreet{}, one, false},
		{"a user's", nil, discreet{asGuest: forbidden}, one, true},
		{"a user's, in a pool without guests", nil, discreet{asGuest: closed, described: []string{idp}}, one, true},
		{"a guest's, in a pool without guests", nil, discreet{asGuest: closed, described: []string{}}, one, false},
		{"in a pool without guests, which may not be seen", nil, discreet{asGuest: closed}, one, false},
		{"the backend is busy", nil, discreet{asGuest: cognito.TooManyRequests("no"), described: []string{idp}}, one, false},
		{"the backend is gone", nil, discreet{asGuest: cognito.Internal()}, one, false},
		{"two logins of a user's", nil, discreet{asGuest: forbidden}, two, false},
		{"the login's own", owned, discreet{}, one, true},
		{"another login's", owned2, discreet{}, one, false},
		{"its login's and one more", owned, discreet{}, two, false},
		{"a login that nobody here can prove, a guest's", nil, discreet{}, map[string]string{foreign: "t"}, false},
		{"a login that nobody here can prove, a user's", nil, discreet{asGuest: forbidden}, map[string]string{foreign: "t"}, true},
		{"a login whose provider cannot be asked, a user's", nil, discreet{asGuest: forbidden}, map[string]string{idp: "down"}, true},
		{"a login whose provider cannot be asked, a guest's", nil, discreet{}, map[string]string{idp: "down"}, false},
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
				backend := test.discreet
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
					t.Errorf("got %v, and %d calls of the backend with logins; want %v and none", err, backend.asked, cognito.ErrUnavailable)
				}
			})
		}
	}
}

// A backend's call that names an identity may link its user, whoever the identity is.
func TestDevelopersAreNotServedUnfenced(t *testing.T) {
	r := newRig(t)
	backend := &discreet{backend: r.backend, asGuest: cognito.AccessForbidden(user), described: []string{idp}}
	r.Next = backend
	r.Epochs.ShareWith(&unreachable{lease: cache.NewLease(), down: true, ended: map[cache.Scope]int{}})
	for name, logins := range map[string]map[string]string{"alone": nil, "with a login": {idp: "a1"}, "with a bad login": {idp: "bad"}} {
		request := flows.DeveloperRequest{Pool: pool, User: "u", IdentityID: user, Logins: logins}
		if _, err := r.DeveloperGrant(t.Context(), request); !errors.Is(err, cognito.ErrUnavailable) || backend.asked > 0 {
			t.Errorf("credentials %s: got %v, and %d calls of the backend; want %v and none", name, err, backend.asked, cognito.ErrUnavailable)
		}
		if _, err := r.DeveloperToken(t.Context(), request); !errors.Is(err, cognito.ErrUnavailable) || backend.asked > 0 {
			t.Errorf("a token %s: got %v, and %d calls of the backend; want %v and none", name, err, backend.asked, cognito.ErrUnavailable)
		}
	}
}
