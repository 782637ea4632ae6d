package upstream

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cognito"
)

// maxCall bounds a call whose context has no deadline.
const maxCall = 30 * time.Second

// options are the SDK's per-call options.
type options = func(*cognitoidentity.Options)

// method is an operation as the SDK's client has it.
type method[In, Out any] func(*cognitoidentity.Client, context.Context, *In, ...options) (*Out, error)

// call is what a trip upstream needs beside its operation's input.
type call struct {
	operation string
	client    *client
	backoff   func(attempt int) time.Duration
	opts      []options
	// once: see attempts.
	once bool
	// logins are the tokens sent, which no error may repeat.
	logins map[string]string
}

// app prepares an unsigned call.
func (b *Backend) app(operation, region string, opts []options) call {
	return call{operation: operation, client: b.clients.of(region).app, backoff: b.backoff, opts: opts}
}

// signed prepares a signed call, or fails with AccessDeniedException.
func (b *Backend) signed(operation, region string, opts []options) (call, error) {
	if !b.clients.signs() {
		return call{}, &smithy.GenericAPIError{
			Code: cognito.CodeAccessDenied, Fault: smithy.FaultClient,
			Message: "The broker has no AWS credentials for this operation.",
		}
	}
	return call{operation: operation, client: b.clients.of(region).signed, backoff: b.backoff, opts: opts}, nil
}

// send makes the call. Its errors are those of explain, marked for cognito.Unmade.
func send[In, Out any](ctx context.Context, c call, do method[In, Out], in *In) (*Out, error) {
	if _, ok := ctx.Deadline(); !ok {
		limited, cancel := context.WithTimeout(ctx, maxCall)
		defer cancel()
		ctx = limited
	}
	tries := &attempts{RetryerV2: c.client.retryer, once: c.once, single: !cognito.Retries(ctx), backoff: c.backoff}
	opts := append(slices.Clip(c.opts), func(o *cognitoidentity.Options) {
		o.Retryer, o.RetryMaxAttempts = tries, 0
	})
	out, err := do(c.client.api, ctx, in, opts...)
	if err != nil {
		return nil, tries.settle(c.lastWord(err, tries.last))
	}
	if !complete(out) {
		return nil, cognito.Unsettled(c.fault("", errIncomplete))
	}
	return out, nil
}

// lastWord explains the failure of a call whose last answered attempt ended in
// last. Where the deadline cut off another attempt, the answer tells more; but
// only a passing one, for what the attempt cut off did is not known.
func (c call) lastWord(err, last error) error {
	if ended(err) && last != nil {
		if known := c.explain(last); cognito.Passing(known) {
			return known
		}
	}
	return c.explain(err)
}
