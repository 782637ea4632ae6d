package flows_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// A change of a pool that was refused ends nothing: all are served from the cache, and
// whose their logins are is known.
func TestRefusedPoolChangesEndNothing(t *testing.T) {
	t.Parallel()
	for operation, change := range poolChanges {
		for name, refusal := range surelyNotMade {
			t.Run(operation+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					defer r.Settled()
					users := newCrowd(r, 60)
					r.backend.set(func(b *backend) { b.pool.outcome = func(string, func()) error { return refusal } })
					exchanges := r.backend.exchanges.Load()
					if err := change(r, "new"); cognito.Public(err).ErrorCode() != cognito.Public(refusal).ErrorCode() {
						t.Errorf("got %v, want %v", err, refusal)
					}
					r.Settled()
					if got := r.backend.pool.reads.Load(); got != 1 {
						t.Errorf("readings of the pool: got %d, want the one before", got)
					}
					if hits, _, failed := users.ask(); hits != 60 || failed != 0 {
						t.Errorf("users with a hit: got %d, and %d failed; want all 60", hits, failed)
					}
					if hits := users.known(); hits != 20 {
						t.Errorf("logins whose identity is known: got %d, want all 20", hits)
					}
					if got := r.backend.exchanges.Load() - exchanges; got != 0 {
						t.Errorf("exchanges: got %d, want none", got)
					}
				})
			})
		}
	}
}

// A change ends what it can change: roles and tag maps the credentials, settings also
// whose a login is; labels and names nothing.
func TestPoolChangesEndWhatTheyChange(t *testing.T) {
	t.Parallel()
	update := func(in ci.UpdateIdentityPoolInput) func(*rig) error {
		return func(r *rig) error {
			in.IdentityPoolId = ptr(pool)
			_, err := r.UpdateIdentityPool(r.t.Context(), &in)
			return err
		}
	}
	arn := ptr("arn:aws:cognito-identity:us-east-1:000000000000:identitypool/" + pool)
	for name, test := range map[string]struct {
		change       func(*rig) error
		hits, logins int
	}{
		"roles":    {func(r *rig) error { return r.setRoles("new") }, 0, 20},
		"tags":     {func(r *rig) error { return poolChanges["SetPrincipalTagAttributeMap"](r, "new") }, 0, 20},
		"settings": {update(ci.UpdateIdentityPoolInput{IdentityPoolName: ptr("a")}), 0, 0},
		"a name": {
			update(ci.UpdateIdentityPoolInput{IdentityPoolName: ptr("b"), AllowUnauthenticatedIdentities: true}), 60, 20,
		},
		"labels": {update(ci.UpdateIdentityPoolInput{
			IdentityPoolName: ptr("a"), AllowUnauthenticatedIdentities: true,
			IdentityPoolTags: map[string]string{"a": "b"}}), 60, 20},
		"labels alone": {func(r *rig) error {
			_, err := r.TagResource(r.t.Context(), &ci.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "b"}})
			return err
		}, 60, 20},
		"labels taken away": {func(r *rig) error {
			_, err := r.UntagResource(r.t.Context(), &ci.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
			return err
		}, 60, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				defer r.Settled()
				users := newCrowd(r, 60)
				if err := test.change(r); err != nil {
					t.Fatal(err)
				}
				if hits, _, failed := users.ask(); hits != test.hits || failed != 0 {
					t.Errorf("users with a hit: got %d, and %d failed; want %d", hits, failed, test.hits)
				}
				if hits := users.known(); hits != test.logins {
					t.Errorf("logins whose identity is known: got %d, want %d", hits, test.logins)
				}
			})
		})
	}
}

// An update that sets what was before ends nothing only where nothing else changed the
// pool meanwhile: its effect is to undo that.
func TestUpdateThatUndoesAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		users := newCrowd(r, 60)
		undo := ci.UpdateIdentityPoolInput{IdentityPoolId: ptr(pool), AllowUnauthenticatedIdentities: true}
		r.backend.set(func(b *backend) {
			b.pool.outcome = func(operation string, do func()) error {
				r.backend.set(func(b *backend) { b.pool.outcome = nil })
				if err := poolChanges["UpdateIdentityPool"](r, "another"); err != nil {
					t.Error(err)
				}
				users.ask() // of the other's state
				do()
				return nil
			}
		})
		if _, err := r.UpdateIdentityPool(t.Context(), &undo); err != nil {
			t.Fatal(err)
		}
		if hits, _, _ := users.ask(); hits != 0 {
			t.Errorf("users with a hit: got %d, want none", hits)
		}
	})
}

// A pool that does not exist, or cannot be read now, is not changed at all.
func TestPoolChangesThatAreNotTried(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*settings)
		code    string
	}{
		"no such pool": {func(s *settings) { s.deleted = true }, "ResourceNotFoundException"},
		"throttled":    {func(s *settings) { s.unread = cognito.TooManyRequests("slow") }, "TooManyRequestsException"},
		"no answer":    {func(s *settings) { s.unread = cut() }, cognito.CodeInternal},
	} {
		for operation, change := range poolChanges {
			t.Run(name+" "+operation, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					defer r.Settled()
					users := newCrowd(r, 60)
					r.backend.set(func(b *backend) {
						test.prepare(&b.pool)
						b.before = func(operation string) { t.Errorf("%s was sent", operation) }
					})
					if err := change(r, "new"); cognito.Public(err).ErrorCode() != test.code {
						t.Errorf("got %v, want %s", err, test.code)
					}
					if hits, _, _ := users.ask(); hits != 60 {
						t.Errorf("users with a hit: got %d, want all", hits)
					}
				})
			})
		}
	}
}

// Where the pool may not be read, a fence is around its changes, and stays around one
// of unknown outcome as long as it may be made yet. That is told once.
func TestPoolsThatMayNotBeRead(t *testing.T) {
	denied := &forbidden
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		var told []string
		r.Unreadable = func(pool string, err error) { told = append(told, pool+" "+cognito.Public(err).ErrorCode()) }
		users := newCrowd(r, 60)
		r.backend.set(func(b *backend) { b.pool.unread = denied })
		fail := func(err error) {
			r.backend.set(func(b *backend) { b.pool.outcome = func(string, func()) error { return err } })
			if err := r.setRoles("new"); err == nil {
				t.Error("got no error")
			}
		}
		fail(cognito.TooManyRequests("slow"))
		if hits, _, _ := users.ask(); hits != 60 {
			t.Errorf("after a refusal, users with a hit: got %d, want all", hits)
		}
		fail(cut())
		if hits, _, failed := users.ask(); hits != 0 || failed != 0 {
			t.Errorf("while the change may be made: got %d hits and %d failures, want neither", hits, failed)
		}
		time.Sleep(20 * time.Second)
		if hits, _, _ := users.ask(); hits != 0 {
			t.Errorf("while the change may be made yet: got %d hits, want none", hits)
		}
		time.Sleep(6 * time.Second)
		users.ask()
		if hits, _, _ := users.ask(); hits != 60 {
			t.Errorf("afterwards: got %d hits, want all", hits)
		}
		r.backend.set(func(b *backend) { b.pool.outcome = nil })
		if err := r.setRoles("newer"); err != nil {
			t.Error(err)
		}
		if _, roles, _ := users.ask(); roles["newer"] != 60 {
			t.Errorf("roles after a change: got %v, want the new one for all", roles)
		}
		if !slices.Equal(told, []string{pool + " " + cognito.CodeAccessDenied}) {
			t.Errorf("told: %v, want once", told)
		}
		r.Close(t.Context())
	})
}

// More changes at once than can be noted are refused before they are made: those of one pool,
// while others can be changed, and those of all pools.
func TestPoolChangesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.Settled()
		r.backend.set(func(b *backend) { b.pool.outcome = func(string, func()) error { return cut() } })
		try := func(pool string) string {
			_, err := r.SetIdentityPoolRoles(t.Context(), &ci.SetIdentityPoolRolesInput{IdentityPoolId: &pool})
			return cognito.Public(err).ErrorCode()
		}
		for n := range cache.MaxPoolChanges / cache.MaxChangesOfPool {
			codes, id := map[string]int{}, fmt.Sprint(pool[:len(pool)-1], n+1) // the first is the rig's
			for range cache.MaxChangesOfPool + 3 {
				codes[try(id)]++
			}
			if want := map[string]int{
				cognito.CodeInternal: cache.MaxChangesOfPool, "TooManyRequestsException": 3,
			}; !maps.Equal(codes, want) {
				t.Errorf("pool %d: got %v, want %v", n, codes, want)
			}
		}
		if got := try(pool[:len(pool)-1] + "9"); got != "TooManyRequestsException" {
			t.Errorf("one pool more: got %s, want to be told to come later", got)
		}
		time.Sleep(time.Minute)
		r.backend.set(func(b *backend) { b.pool.outcome = nil })
		if err := r.setRoles("new"); err != nil {
			t.Errorf("when they are settled: %v", err)
		}
	})
}
