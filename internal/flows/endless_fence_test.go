package flows_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// endlessFences is a fleet that cannot be reached any more once a change was made.
type endlessFences struct {
	*unreachable
}

func (u endlessFences) BeginFence(ctx context.Context, scopes []cache.Scope) (cache.SharedFence, error) {
	change, err := u.unreachable.BeginFence(ctx, scopes)
	if err != nil {
		return nil, err
	}
	return failingFence{change}, nil
}

type failingFence struct{ cache.SharedFence }

func (failingFence) Done(context.Context) ([]cache.Epoch, error) { return nil, cache.ErrFleet }

// A change is answered only when what it ended has ended: nobody is told of one whose end
// the fleet could not be told.
func TestChangesThatCannotBeEndedAreNotAnswered(t *testing.T) {
	changes := map[string]func(r *rig) error{
		"unlink": func(r *rig) error { return r.unlinks(t.Context(), user, map[string]string{idp: "a1"}) },
		"its owner's unlink": func(r *rig) error {
			r.directory.Owns(pool, idp, "a", user)
			return r.unlinks(t.Context(), user, map[string]string{idp: "a1"})
		},
	}
	for operation, change := range poolChanges {
		changes[operation] = func(r *rig) error { return change(r, "new") }
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Epochs.ShareWith(endlessFences{&unreachable{lease: cache.NewLease(), ended: map[cache.Scope]int{}}})
			made := false
			r.backend.set(func(b *backend) { b.before = func(string) { made = true } })
			if err := change(r); !errors.Is(err, cognito.ErrUnavailable) {
				t.Errorf("got %v, want %v", err, cognito.ErrUnavailable)
			}
			if !made {
				t.Error("the backend was not asked: it shows nothing")
			}
		})
	}
}
