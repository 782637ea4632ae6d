package upstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// LoadCredentials returns the SDK's default credential chain: environment,
// shared files, web identity, container, instance. It asks none of the remote
// sources; the provider does, when credentials are first needed and when they
// expire, and keeps what it got. region is for sources that are AWS services
// themselves.
func LoadCredentials(ctx context.Context, region string) (aws.CredentialsProvider, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return nil, fmt.Errorf("load the AWS credential chain: %w", err)
	}
	if c.Credentials == nil {
		return nil, errors.New("load the AWS credential chain: it is empty")
	}
	return c.Credentials, nil
}

// guarded marks the errors of a provider of credentials. Its sources are
// services with errors of their own (STS answers AccessDenied too), which must
// never pass for an answer of Cognito.
type guarded struct{ next aws.CredentialsProvider }

func (g guarded) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := g.next.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &credentialsError{cause: err}
	}
	return c, nil
}

// credentialsError says that the broker's own credentials could not be had.
type credentialsError struct{ cause error }

func (e *credentialsError) Error() string {
	return "get the broker's AWS credentials: " + e.cause.Error()
}
func (e *credentialsError) Unwrap() error { return e.cause }
