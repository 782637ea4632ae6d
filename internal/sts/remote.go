package sts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// maxCall bounds a call with all its attempts, whatever its context says.
const maxCall = 30 * time.Second

const maxRegion = 32

// RemoteConfig configures a Remote.
type RemoteConfig struct {
	Region   string // required: it names AWS's endpoint
	Endpoint string // http or https, of any STS, such as MinIO; empty: AWS's of the region
	// HTTPClient should follow no redirect, which would carry a token elsewhere.
	// Nil: the SDK's.
	HTTPClient  aws.HTTPClient
	MaxAttempts int         // of a call, the first counted; zero: the retryer's, three unless it says otherwise
	Retryer     aws.Retryer // safe for concurrent use; nil: the SDK's standard
}

// Remote is a real STS: AWS's, or another that speaks its protocol. It
// checks neither account nor role: the remote side does. It is immutable and safe
// for concurrent use.
type Remote struct {
	client *sts.Client
}

var _ API = (*Remote)(nil)

// NewRemote refuses a region or an endpoint that is none. It connects nowhere.
func NewRemote(cfg RemoteConfig) (*Remote, error) {
	if !validRegion(cfg.Region) {
		return nil, errors.New("region: want a name such as us-east-1")
	}
	if cfg.MaxAttempts < 0 {
		return nil, errors.New("max attempts: want none or more")
	}
	options := sts.Options{
		Region:           cfg.Region,
		HTTPClient:       cfg.HTTPClient,
		RetryMaxAttempts: cfg.MaxAttempts,
		Retryer:          cfg.Retryer,
		Credentials:      aws.AnonymousCredentials{}, // the token is the proof
	}
	if cfg.Endpoint != "" {
		if !validEndpoint(cfg.Endpoint) {
			return nil, errors.New("endpoint: want http or https, a host, no user, query or fragment")
		}
		options.BaseEndpoint = aws.String(cfg.Endpoint)
	}
	return &Remote{client: sts.New(options, sts.WithAPIOptions(limitAnswers))}, nil
}

// validRegion keeps what becomes a part of a host name to its alphabet.
func validRegion(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxRegion
}

func validEndpoint(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// AssumeRoleWithWebIdentity asks the remote STS, unsigned, within 30 seconds and
// ctx. What that refuses comes back as an *Error with its code, its message, in
// which nothing of the token is left, and its request id. Passing faults come as a
// *Fault: IDPCommunicationError, throttling, statuses of 5xx, a broken connection, an
// answer that does not decode or lacks a part of the credentials, and the end of
// ctx; errors.Is finds that one.
func (r *Remote) AssumeRoleWithWebIdentity(ctx context.Context, req Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, maxCall)
	defer cancel()
	out, err := r.client.AssumeRoleWithWebIdentity(ctx, input(&req))
	if err != nil {
		return nil, judge(ctx, err, req.Token)
	}
	resp, err := response(out)
	if err != nil {
		return nil, &Fault{cause: fmt.Errorf("%s: %w", actRemote, err)}
	}
	return resp, nil
}

// input leaves out what req does not ask for.
func input(req *Request) *sts.AssumeRoleWithWebIdentityInput {
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn:          aws.String(req.RoleARN),
		RoleSessionName:  aws.String(req.SessionName),
		WebIdentityToken: aws.String(req.Token),
	}
	if req.ProviderID != "" {
		in.ProviderId = aws.String(req.ProviderID)
	}
	if req.Policy != "" {
		in.Policy = aws.String(req.Policy)
	}
	if req.Duration != 0 {
		// Out of range is for STS to refuse, so it must not wrap around.
		seconds := max(math.MinInt32, min(math.MaxInt32, req.Duration/time.Second))
		in.DurationSeconds = aws.Int32(int32(seconds))
	}
	for _, arn := range req.PolicyARNs {
		in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: aws.String(arn)})
	}
	return in
}

// response takes credentials only whole: half of them would fail far from here.
func response(out *sts.AssumeRoleWithWebIdentityOutput) (*Response, error) {
	c := out.Credentials
	if c == nil || aws.ToString(c.AccessKeyId) == "" || aws.ToString(c.SecretAccessKey) == "" ||
		aws.ToString(c.SessionToken) == "" || aws.ToTime(c.Expiration).IsZero() {
		return nil, errIncomplete
	}
	resp := &Response{
		Credentials: Credentials{
			AccessKeyID:     *c.AccessKeyId,
			SecretAccessKey: *c.SecretAccessKey,
			SessionToken:    *c.SessionToken,
			Expiration:      c.Expiration.UTC().Truncate(time.Second),
		},
		Provider: aws.ToString(out.Provider),
		Audience: aws.ToString(out.Audience),
		Subject:  aws.ToString(out.SubjectFromWebIdentityToken),
		//lint:ignore SA1019 clients still read this member
		PackedPolicySize: int(aws.ToInt32(out.PackedPolicySize)),
	}
	if u := out.AssumedRoleUser; u != nil {
		resp.Credentials.AssumedRoleARN = aws.ToString(u.Arn)
		resp.Credentials.AssumedRoleID = aws.ToString(u.AssumedRoleId)
	}
	return resp, nil
}
