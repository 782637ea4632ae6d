package flows

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"

	"github.com/cognito-broker/broker/internal/cache"
	"github.com/cognito-broker/broker/internal/cognito"
)

// failureOf is what brokers that waited for an exchange are told of how it failed:
// nothing where this broker is the reason.
func failureOf(ctx context.Context, err error, tokens cache.Key) *cache.Failure {
	if err == nil || ctx.Err() != nil || errors.Is(err, cache.ErrFleet) {
		return nil
	}
	public := cognito.Public(err)
	return &cache.Failure{
		Code: public.ErrorCode(), Message: public.ErrorMessage(), ServerFault: public.ErrorFault() == smithy.FaultServer,
		BackendDown: errors.Is(err, cognito.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded), Tokens: tokens,
	}
}

// errOtherBroker is the cause of what another broker was told: its log has more.
var errOtherBroker = errors.New("the exchange of another broker failed")

// otherBrokersError is the error that another broker's exchange ended with.
func otherBrokersError(f *cache.Failure) error {
	if f.BackendDown {
		return cognito.Unavailable(errOtherBroker)
	}
	fault := smithy.FaultClient
	if f.ServerFault {
		fault = smithy.FaultServer
	}
	return cognito.WithCause(&smithy.GenericAPIError{Code: f.Code, Message: f.Message, Fault: fault}, errOtherBroker)
}
