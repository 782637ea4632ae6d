package flows_test

import (
	"context"
	"testing"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"pgregory.net/rapid"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/cognito/embedded"
	"github.com/cognito-broker/broker/internal/flows"
	"github.com/cognito-broker/broker/internal/sts"
)

// overtaken is an engine whose next prediction is out of date when it is told.
type overtaken struct {
	*embedded.Engine
	meanwhile func()
}

func (o *overtaken) Decide(ctx context.Context, in any) (cognito.Effect, error) {
	effect, err := o.Engine.Decide(ctx, in)
	if f := o.meanwhile; f != nil {
		o.meanwhile = nil
		f()
	}
	return effect, err
}

// An unlink that was predicted to change nothing, and did, because the login was linked meanwhile, ends
// what was obtained by that login before it is answered.
func TestOvertakenPredictions(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		memory, err := cache.NewMemory(1000, nil)
		must(rt, err)
		rt.Cleanup(memory.Close)
		engine := &overtaken{Engine: w.engine}
		s := flows.New(flows.Config{
			Next: engine, STS: sts.NewLocal(sts.LocalConfig{STS: w.sts, Trust: trusting{w.engine}}),
			Prover: w.newProver(rt), Tokens: w.engine, Directory: w.engine, Memory: memory, Epochs: cache.NewEpochs(),
			Names: cache.NewNamer(nil), Observer: noObserver{}, Timeout: 10e9,
		})
		n := rapid.IntRange(0, 1).Draw(rt, "which of the logins is unlinked")
		one, other := providers[1-n], providers[n]
		of := func(names ...string) map[string]string {
			logins := map[string]string{}
			for _, name := range names {
				logins[name] = w.tokens[name][0]
			}
			return logins
		}
		got, err := s.GetId(rt.Context(), &ci.GetIdInput{IdentityPoolId: &w.pools[0], Logins: of(one)})
		must(rt, err)
		ask := func(names ...string) error {
			in := &ci.GetCredentialsForIdentityInput{IdentityId: got.IdentityId, Logins: of(names...)}
			_, err := s.GetCredentialsForIdentity(rt.Context(), in)
			return err
		}
		engine.meanwhile = func() {
			must(rt, ask(one, other))
			must(rt, ask(other))
		}
		_, err = s.UnlinkIdentity(rt.Context(), &ci.UnlinkIdentityInput{
			IdentityId: got.IdentityId, Logins: of(one), LoginsToRemove: []string{other},
		})
		must(rt, err)
		if ask(other) == nil {
			rt.Error("got credentials by a login that was unlinked, want the refusal")
		}
	})
}
