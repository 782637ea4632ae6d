package sts

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxAnswer bounds an answer, in bytes. Those of STS take a few thousand.
const maxAnswer = 64 << 10

// limitAnswers cuts answers off before the SDK, which reads without end, sees
// them. What is cut does not decode.
func limitAnswers(stack *middleware.Stack) error {
	limit := func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if answer, ok := out.RawResponse.(*smithyhttp.Response); ok && answer.Body != nil {
			answer.Body = limitedBody{io.LimitReader(answer.Body, maxAnswer), answer.Body}
		}
		return out, metadata, err
	}
	// After all others: next to the connection.
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("LimitAnswer", limit), middleware.After)
}

type limitedBody struct {
	io.Reader
	io.Closer
}
