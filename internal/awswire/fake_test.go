package awswire_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/awswire"
)

const (
	pool      = "us-east-1:00000000-0000-4000-8000-000000000001"
	identity  = "us-east-1:11111111-1111-4111-8111-111111111111"
	requestID = "a3f1c1de-0000-4000-8000-000000000001"
)

// fake answers with what a test sets, and keeps the last input.
type fake struct {
	err   error
	id    *cognitoidentity.GetIdInput
	creds *cognitoidentity.GetCredentialsForIdentityInput
	out   *cognitoidentity.GetCredentialsForIdentityOutput
}

func (f *fake) GetId(_ context.Context, in *cognitoidentity.GetIdInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetIdOutput, error) {
	f.id = in
	if f.err != nil {
		return nil, f.err
	}
	return &cognitoidentity.GetIdOutput{IdentityId: aws.String(identity)}, nil
}

func (f *fake) GetCredentialsForIdentity(_ context.Context, in *cognitoidentity.GetCredentialsForIdentityInput, _ ...func(*cognitoidentity.Options)) (*cognitoidentity.GetCredentialsForIdentityOutput, error) {
	f.creds = in
	return f.out, f.err
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

// listen serves s over HTTP, as thinly as can be.
func listen(t *testing.T, s *awswire.Server) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read body: %v", err)
		}
		in := &awswire.Request{Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Body: body}
		in.Headers = append(in.Headers, awswire.Header{Name: "Host", Value: r.Host})
		for name, values := range r.Header {
			for _, v := range values {
				in.Headers = append(in.Headers, awswire.Header{Name: name, Value: v})
			}
		}
		out := s.Serve(r.Context(), in)
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
