package flows

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cognito"
)

// options are those that the SDK's client takes with each call.
type options = func(*ci.Options)

// operation is a method of the backend, and call one with its input.
type (
	operation[In, Out any] = func(context.Context, *In, ...options) (*Out, error)
	call[Out any]          = func(context.Context) (*Out, error)
)

// bind makes an operation a call, which takes a slot when it is made.
func bind[In, Out any](c *backendCalls, in *In, op operation[In, Out], opts []options) call[Out] {
	return func(ctx context.Context) (*Out, error) {
		release, err := c.slot(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
		return op(ctx, in, opts...)
	}
}

// bindToPool is bind for an operation about a pool, which must be served.
func bindToPool[In, Out any](c *backendCalls, pool *string, in *In, op operation[In, Out], opts []options) call[Out] {
	return func(ctx context.Context) (*Out, error) {
		if id := aws.ToString(pool); id != "" && !c.serves(id) {
			return nil, cognito.PoolNotFound(id)
		}
		return bind(c, in, op, opts)(ctx)
	}
}

// bindToResource is bindToPool for a pool's ARN; what is none is the backend's to refuse.
func bindToResource[In, Out any](
	c *backendCalls, arn *string, in *In, op operation[In, Out], opts []options,
) call[Out] {
	pool, _ := cognito.PoolOfARN(aws.ToString(arn))
	return bindToPool(c, &pool, in, op, opts)
}
