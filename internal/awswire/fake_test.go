package awswire_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/callers"
)

const (
	pool      = "us-east-1:00000000-0000-4000-8000-000000000001"
	identity  = "us-east-1:11111111-1111-4111-8111-111111111111"
	requestID = "a3f1c1de-0000-4000-8000-000000000001"
)

type options = func(*ci.Options)

// fake answers with what a test sets, and keeps the last input, which operations
// were called, and by whom.
type fake struct {
	err   error
	id    *ci.GetIdInput
	creds *ci.GetCredentialsForIdentityInput
	out   *ci.GetCredentialsForIdentityOutput

	calls []string
	by    string // the caller in the last call's context
}

func (f *fake) called(ctx context.Context, operation string) {
	f.calls, f.by = append(f.calls, operation), ""
	if c, ok := callers.From(ctx); ok {
		f.by = c.Name()
	}
}

func answer[Out any](ctx context.Context, f *fake, operation string) (*Out, error) {
	f.called(ctx, operation)
	if f.err != nil {
		return nil, f.err
	}
	return new(Out), nil
}

func (f *fake) GetId(ctx context.Context, in *ci.GetIdInput, _ ...options) (*ci.GetIdOutput, error) {
	f.id = in
	out, err := answer[ci.GetIdOutput](ctx, f, "GetId")
	if err == nil {
		out.IdentityId = aws.String(identity)
	}
	return out, err
}

func (f *fake) GetCredentialsForIdentity(ctx context.Context, in *ci.GetCredentialsForIdentityInput, _ ...options) (*ci.GetCredentialsForIdentityOutput, error) {
	f.creds = in
	f.called(ctx, "GetCredentialsForIdentity")
	return f.out, f.err
}

func (f *fake) DescribeIdentity(ctx context.Context, _ *ci.DescribeIdentityInput, _ ...options) (*ci.DescribeIdentityOutput, error) {
	return answer[ci.DescribeIdentityOutput](ctx, f, "DescribeIdentity")
}

func (f *fake) UnlinkIdentity(ctx context.Context, _ *ci.UnlinkIdentityInput, _ ...options) (*ci.UnlinkIdentityOutput, error) {
	return answer[ci.UnlinkIdentityOutput](ctx, f, "UnlinkIdentity")
}

func (f *fake) GetOpenIdToken(ctx context.Context, _ *ci.GetOpenIdTokenInput, _ ...options) (*ci.GetOpenIdTokenOutput, error) {
	return answer[ci.GetOpenIdTokenOutput](ctx, f, "GetOpenIdToken")
}

func (f *fake) GetOpenIdTokenForDeveloperIdentity(ctx context.Context, _ *ci.GetOpenIdTokenForDeveloperIdentityInput, _ ...options) (*ci.GetOpenIdTokenForDeveloperIdentityOutput, error) {
	return answer[ci.GetOpenIdTokenForDeveloperIdentityOutput](ctx, f, "GetOpenIdTokenForDeveloperIdentity")
}

func (f *fake) CreateIdentityPool(ctx context.Context, _ *ci.CreateIdentityPoolInput, _ ...options) (*ci.CreateIdentityPoolOutput, error) {
	return answer[ci.CreateIdentityPoolOutput](ctx, f, "CreateIdentityPool")
}

func (f *fake) DescribeIdentityPool(ctx context.Context, _ *ci.DescribeIdentityPoolInput, _ ...options) (*ci.DescribeIdentityPoolOutput, error) {
	return answer[ci.DescribeIdentityPoolOutput](ctx, f, "DescribeIdentityPool")
}

func (f *fake) ListIdentityPools(ctx context.Context, _ *ci.ListIdentityPoolsInput, _ ...options) (*ci.ListIdentityPoolsOutput, error) {
	return answer[ci.ListIdentityPoolsOutput](ctx, f, "ListIdentityPools")
}

func (f *fake) UpdateIdentityPool(ctx context.Context, _ *ci.UpdateIdentityPoolInput, _ ...options) (*ci.UpdateIdentityPoolOutput, error) {
	return answer[ci.UpdateIdentityPoolOutput](ctx, f, "UpdateIdentityPool")
}

func (f *fake) DeleteIdentityPool(ctx context.Context, _ *ci.DeleteIdentityPoolInput, _ ...options) (*ci.DeleteIdentityPoolOutput, error) {
	return answer[ci.DeleteIdentityPoolOutput](ctx, f, "DeleteIdentityPool")
}

func (f *fake) SetIdentityPoolRoles(ctx context.Context, _ *ci.SetIdentityPoolRolesInput, _ ...options) (*ci.SetIdentityPoolRolesOutput, error) {
	return answer[ci.SetIdentityPoolRolesOutput](ctx, f, "SetIdentityPoolRoles")
}

func (f *fake) GetIdentityPoolRoles(ctx context.Context, _ *ci.GetIdentityPoolRolesInput, _ ...options) (*ci.GetIdentityPoolRolesOutput, error) {
	return answer[ci.GetIdentityPoolRolesOutput](ctx, f, "GetIdentityPoolRoles")
}

func (f *fake) ListIdentities(ctx context.Context, _ *ci.ListIdentitiesInput, _ ...options) (*ci.ListIdentitiesOutput, error) {
	return answer[ci.ListIdentitiesOutput](ctx, f, "ListIdentities")
}

func (f *fake) DeleteIdentities(ctx context.Context, _ *ci.DeleteIdentitiesInput, _ ...options) (*ci.DeleteIdentitiesOutput, error) {
	return answer[ci.DeleteIdentitiesOutput](ctx, f, "DeleteIdentities")
}

func (f *fake) LookupDeveloperIdentity(ctx context.Context, _ *ci.LookupDeveloperIdentityInput, _ ...options) (*ci.LookupDeveloperIdentityOutput, error) {
	return answer[ci.LookupDeveloperIdentityOutput](ctx, f, "LookupDeveloperIdentity")
}

func (f *fake) MergeDeveloperIdentities(ctx context.Context, _ *ci.MergeDeveloperIdentitiesInput, _ ...options) (*ci.MergeDeveloperIdentitiesOutput, error) {
	return answer[ci.MergeDeveloperIdentitiesOutput](ctx, f, "MergeDeveloperIdentities")
}

func (f *fake) UnlinkDeveloperIdentity(ctx context.Context, _ *ci.UnlinkDeveloperIdentityInput, _ ...options) (*ci.UnlinkDeveloperIdentityOutput, error) {
	return answer[ci.UnlinkDeveloperIdentityOutput](ctx, f, "UnlinkDeveloperIdentity")
}

func (f *fake) SetPrincipalTagAttributeMap(ctx context.Context, _ *ci.SetPrincipalTagAttributeMapInput, _ ...options) (*ci.SetPrincipalTagAttributeMapOutput, error) {
	return answer[ci.SetPrincipalTagAttributeMapOutput](ctx, f, "SetPrincipalTagAttributeMap")
}

func (f *fake) GetPrincipalTagAttributeMap(ctx context.Context, _ *ci.GetPrincipalTagAttributeMapInput, _ ...options) (*ci.GetPrincipalTagAttributeMapOutput, error) {
	return answer[ci.GetPrincipalTagAttributeMapOutput](ctx, f, "GetPrincipalTagAttributeMap")
}

func (f *fake) TagResource(ctx context.Context, _ *ci.TagResourceInput, _ ...options) (*ci.TagResourceOutput, error) {
	return answer[ci.TagResourceOutput](ctx, f, "TagResource")
}

func (f *fake) UntagResource(ctx context.Context, _ *ci.UntagResourceInput, _ ...options) (*ci.UntagResourceOutput, error) {
	return answer[ci.UntagResourceOutput](ctx, f, "UntagResource")
}

func (f *fake) ListTagsForResource(ctx context.Context, _ *ci.ListTagsForResourceInput, _ ...options) (*ci.ListTagsForResourceOutput, error) {
	return answer[ci.ListTagsForResourceOutput](ctx, f, "ListTagsForResource")
}

func newServer(f *fake) *awswire.Server {
	return awswire.New(awswire.Config{API: f, RequestID: func() string { return requestID }})
}

// call is a request of the JSON protocol as SDKs send it.
func call(operation, body string) *awswire.Request {
	return &awswire.Request{
		Method: "POST", Path: "/", Body: []byte(body),
		Headers: []awswire.Header{
			{Name: "Host", Value: "broker.example"},
			{Name: "x-amz-target", Value: "AWSCognitoIdentityService." + operation},
			{Name: "content-type", Value: "application/x-amz-json-1.1"},
		},
	}
}

func header(r *awswire.Response, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// received is r as a server gets it.
func received(t testing.TB, r *http.Request) *awswire.Request {
	t.Helper()
	in := &awswire.Request{Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery}
	if r.Body != nil {
		var err error
		if in.Body, err = io.ReadAll(r.Body); err != nil {
			t.Errorf("read body: %v", err)
		}
	}
	in.Headers = append(in.Headers, awswire.Header{Name: "Host", Value: r.Host})
	for name, values := range r.Header {
		for _, v := range values {
			in.Headers = append(in.Headers, awswire.Header{Name: name, Value: v})
		}
	}
	return in
}

// listen serves s over HTTP, as thinly as can be.
func listen(t *testing.T, s *awswire.Server) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := s.Serve(r.Context(), received(t, r))
		w.Header().Set("Content-Type", out.ContentType)
		for _, h := range out.Headers {
			w.Header()[h.Name] = []string{h.Value}
		}
		w.WriteHeader(out.Status)
		if _, err := w.Write(out.Body); err != nil {
			t.Errorf("write answer: %v", err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}
