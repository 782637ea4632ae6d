package flows_test

import (
	"context"
	"testing"
	"testing/synctest"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/flows"
)

func (b *backend) DescribeIdentity(
	_ context.Context, in *ci.DescribeIdentityInput, _ ...func(*ci.Options),
) (*ci.DescribeIdentityOutput, error) {
	return &ci.DescribeIdentityOutput{IdentityId: in.IdentityId}, b.change("DescribeIdentity")
}

// A purge ends what was cached for an identity, also where only the backend knows
// whether it exists and even where that cannot be asked; of another pool's it
// ends nothing.
func TestPurge(t *testing.T) {
	const another = "us-east-1:00000000-0000-4000-8000-000000000002"
	for name, c := range map[string]struct {
		place   string // "": not known
		backend error
		code    string // "": well
		ended   bool
	}{
		"known":                  {place: pool, backend: cognito.Internal(), ended: true}, // not asked
		"of another pool":        {place: another, code: "ResourceNotFoundException"},
		"unknown":                {ended: true},
		"unknown to the backend": {backend: cognito.IdentityNotFound(user), code: "ResourceNotFoundException", ended: true},
		"nobody can be asked":    {backend: context.DeadlineExceeded, ended: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.want("key1", flows.Miss, flows.CallInfo{})
				r.directory.places.Store(user, c.place)
				r.backend.set(func(b *backend) { b.changes = c.backend })
				err := r.Purge(flows.WithCallInfo(t.Context(), &flows.CallInfo{}), pool, user)
				if (err != nil) != (c.code != "") || err != nil && cognito.Public(err).ErrorCode() != c.code {
					t.Errorf("got %v, want %q", err, c.code)
				}
				r.directory.places.Delete(user)
				key, outcome := "key1", flows.Hit
				if c.ended {
					key, outcome = "key2", flows.Miss
				}
				r.want(key, outcome, flows.CallInfo{})
			})
		})
	}
	r := newRig(t)
	r.Pools = []string{another}
	if err := r.Purge(t.Context(), pool, user); err == nil {
		t.Error("of a pool that is not served: got success")
	}
	if err := r.Purge(t.Context(), another, "nonsense"); err == nil {
		t.Error("malformed: got success")
	}
}

// An identity of another pool than the path's, or of none that is served, is not
// described.
func TestDescribeIdentityOfThePool(t *testing.T) {
	r := newRig(t)
	in := &ci.DescribeIdentityInput{IdentityId: ptr(user)}
	for name, c := range map[string]struct {
		path, place string
		served      []string
		ok          bool
	}{
		"on the wire": {"", pool, nil, true}, "its pool": {pool, pool, []string{pool}, true},
		"not known":    {pool, "", []string{pool}, true},
		"another path": {"us-east-1:0", pool, nil, false}, "not served": {"", pool, []string{"us-east-1:0"}, false},
	} {
		r.Pools = c.served
		r.directory.places.Store(user, c.place)
		if _, err := r.DescribeIdentity(
			flows.WithCallInfo(t.Context(), &flows.CallInfo{Pool: c.path}), in,
		); (err == nil) != c.ok {
			t.Errorf("%s: got %v, want success %t", name, err, c.ok)
		}
	}
}
