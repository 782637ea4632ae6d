package awswire_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	stsclient "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

const (
	account   = "123456789012"
	formBody  = "Action=GetCallerIdentity&Version=2011-06-15"
	formType  = "application/x-www-form-urlencoded"
	namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

// issue makes an STS and credentials of it that live an hour from now.
func issue(t testing.TB, now time.Time) (*sts.Builtin, sts.Credentials) {
	t.Helper()
	b, err := sts.NewBuiltin(sts.BuiltinConfig{
		Keys: [][]byte{append(bytes.Repeat([]byte{7}, 31), 1)}, AccountID: account, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Assume(t.Context(), sts.AssumeRequest{
		RoleARN: "arn:aws:iam::" + account + ":role/demo", SessionName: "CognitoIdentityCredentials", Duration: time.Hour,
		Identity: sts.WebIdentity{Provider: "cognito-identity.amazonaws.com", Audience: pool, Subject: identity, AMR: []string{"unauthenticated"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

func stsServer(sessions awswire.Sessions, now time.Time) *awswire.Server {
	return awswire.New(awswire.Config{
		API: &fake{}, Sessions: sessions, Now: func() time.Time { return now }, RequestID: func() string { return requestID },
	})
}

func stsOptions(endpoint, accessKey, secret, token string) stsclient.Options {
	return stsclient.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(endpoint), Retryer: aws.NopRetryer{}, HTTPClient: http.DefaultClient,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secret, token),
	}
}

func TestCallerIdentityBySDK(t *testing.T) {
	now := time.Now()
	b, c := issue(t, now)
	client := stsclient.New(stsOptions(listen(t, stsServer(b, now)), c.AccessKeyID, c.SecretAccessKey, c.SessionToken))
	got, err := client.GetCallerIdentity(t.Context(), &stsclient.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(got.Account) != account || aws.ToString(got.Arn) != c.AssumedRoleARN || aws.ToString(got.UserId) != c.AssumedRoleID {
		t.Errorf("got %s %s %s, want the session of %s", *got.Account, *got.Arn, *got.UserId, c.AssumedRoleARN)
	}
	if !strings.HasPrefix(c.AssumedRoleARN, "arn:aws:sts::"+account+":assumed-role/demo/") {
		t.Errorf("got %s, want an assumed role", c.AssumedRoleARN)
	}
}

func TestCallerIdentityPresigned(t *testing.T) {
	now := time.Now()
	b, c := issue(t, now)
	o := stsOptions(listen(t, stsServer(b, now)), c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	presigned, err := stsclient.NewPresignClient(stsclient.New(o)).PresignGetCallerIdentity(t.Context(), &stsclient.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, url string
		status    int
	}{
		{"as signed", presigned.URL, 200},
		{"another action", strings.Replace(presigned.URL, "GetCallerIdentity", "GetSessionToken", 1), 400},
		{"changed", presigned.URL + "&X=1", 403},
		{"no longer presigned", strings.Split(presigned.URL, "?")[0] + "?" + formBody, 403},
		{"no action", strings.Split(presigned.URL, "?")[0] + "?Version=2011-06-15", 404},
	} {
		r, err := http.NewRequestWithContext(t.Context(), presigned.Method, tt.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		if closeErr := got.Body.Close(); err != nil || closeErr != nil {
			t.Fatal(err, closeErr)
		}
		if got.StatusCode != tt.status || strings.Contains(string(body), c.AssumedRoleARN) != (tt.status == 200) {
			t.Errorf("%s: got %d %s, want %d", tt.name, got.StatusCode, body, tt.status)
		}
	}
}

func TestCallerIdentityRefusals(t *testing.T) {
	now := time.Now()
	b, c := issue(t, now)
	_, other := issue(t, now)
	foreign, err := sts.NewBuiltin(sts.BuiltinConfig{Keys: [][]byte{append(bytes.Repeat([]byte{8}, 31), 1)}, AccountID: account})
	if err != nil {
		t.Fatal(err)
	}
	broken := sessionsFunc(func(string, string) (*sts.Session, error) { return nil, errors.New("SECRET") })
	nothing := sessionsFunc(func(string, string) (*sts.Session, error) { return nil, nil })
	odd := sessionsFunc(func(string, string) (*sts.Session, error) {
		return nil, &sts.Error{Code: "SomethingNew", Message: "SECRET"}
	})
	secretless := sessionsFunc(func(string, string) (*sts.Session, error) { return &sts.Session{}, nil })
	late, _ := issue(t, now.Add(time.Hour))

	tests := []struct {
		name               string
		sessions           awswire.Sessions
		access, key, token string
		now                time.Time
		status             int
		code               string
	}{
		{"wrong secret", b, c.AccessKeyID, other.SecretAccessKey, c.SessionToken, now, 403, "SignatureDoesNotMatch"},
		{"access key of another session", b, other.AccessKeyID, c.SecretAccessKey, c.SessionToken, now, 403, "InvalidClientTokenId"},
		{"token of another session", b, c.AccessKeyID, c.SecretAccessKey, other.SessionToken, now, 403, "InvalidClientTokenId"},
		{"no token", b, c.AccessKeyID, c.SecretAccessKey, "", now, 403, "InvalidClientTokenId"},
		{"lasting key", b, "AKIAEXAMPLEEXAMPLE00", "secret", "", now, 403, "InvalidClientTokenId"},
		{"of another STS", foreign, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now, 403, "InvalidClientTokenId"},
		{"no STS", nil, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now, 403, "InvalidClientTokenId"},
		{"no session", nothing, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now, 403, "InvalidClientTokenId"},
		{"session without secret", secretless, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now, 403, "SignatureDoesNotMatch"},
		{"expired session", late, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now, 403, "ExpiredToken"},
		{"signed long ago", b, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now.Add(6 * time.Minute), 403, "SignatureDoesNotMatch"},
		{"signed in the future", b, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now.Add(-6 * time.Minute), 403, "SignatureDoesNotMatch"},
		{"broken STS", broken, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now, 500, "InternalFailure"},
		{"unknown code", odd, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, now, 500, "InternalFailure"},
	}
	for _, tt := range tests {
		s := stsServer(tt.sessions, tt.now)
		client := stsclient.New(stsOptions(listen(t, s), tt.access, tt.key, tt.token))
		_, err := client.GetCallerIdentity(context.Background(), &stsclient.GetCallerIdentityInput{})
		api, ok := errors.AsType[smithy.APIError](err)
		if !ok || api.ErrorCode() != tt.code || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.code)
		}
		if r, ok := errors.AsType[*smithyhttp.ResponseError](err); !ok || r.HTTPStatusCode() != tt.status {
			t.Errorf("%s: got %v, want status %d", tt.name, err, tt.status)
		}
	}
}

// Headers sign for one service only.
func TestCallerIdentityForOtherService(t *testing.T) {
	now := time.Now()
	b, c := issue(t, now)
	o := stsOptions(listen(t, stsServer(b, now)), c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	client := stsclient.New(o)
	_, err := client.GetCallerIdentity(t.Context(), &stsclient.GetCallerIdentityInput{}, stsclient.WithSigV4SigningName("s3"))
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "SignatureDoesNotMatch" {
		t.Errorf("got %v, want SignatureDoesNotMatch", err)
	}
}

type sessionsFunc func(accessKeyID, sessionToken string) (*sts.Session, error)

func (f sessionsFunc) Open(accessKeyID, sessionToken string) (*sts.Session, error) {
	return f(accessKeyID, sessionToken)
}

func form(body string) *awswire.Request {
	return &awswire.Request{Method: "POST", Path: "/", Body: []byte(body), Headers: []awswire.Header{
		{Name: "Host", Value: "broker.example"}, {Name: "Content-Type", Value: formType + "; charset=utf-8"},
	}}
}

func TestQueryRefusals(t *testing.T) {
	long := strings.Repeat("x", 32769)
	tests := []struct {
		name, body   string
		status       int
		code, label  string
		messageParts string
	}{
		{"unsigned", formBody, 403, "MissingAuthenticationToken", "GetCallerIdentity", "Request is missing Authentication Token"},
		{"empty", "", 400, "MissingAction", "unknown", ""},
		{"no action", "Version=2011-06-15", 400, "MissingAction", "unknown", ""},
		{"another action", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15", 400, "InvalidAction", "unknown",
			"Could not find operation AssumeRoleWithWebIdentity for version 2011-06-15"},
		{"action in another case", "Action=getcalleridentity&Version=2011-06-15", 400, "InvalidAction", "unknown", ""},
		{"no version", "Action=GetCallerIdentity", 400, "InvalidAction", "unknown", "for version NO_VERSION_SPECIFIED"},
		{"other version", "Action=GetCallerIdentity&Version=2010-01-01", 400, "InvalidAction", "unknown", "for version 2010-01-01"},
		{"long action", "Action=" + strings.Repeat("y", 1000) + "&Version=1", 400, "InvalidAction", "unknown", "operation " + strings.Repeat("y", 64) + " for"},
		{"marked-up action", "Action=%3Cb%3E%26&Version=1", 400, "InvalidAction", "unknown", "operation &lt;b&gt;&amp; for"},
		{"twice", formBody + "&Action=GetCallerIdentity", 404, "MalformedQueryString", "unknown", "twice"},
		{"twice, escaped", formBody + "&%41ction=GetCallerIdentity", 404, "MalformedQueryString", "unknown", "twice"},
		{"empty parameter", formBody + "&", 404, "MalformedQueryString", "unknown", ""},
		{"no name", formBody + "&=x", 404, "MalformedQueryString", "unknown", ""},
		{"no equals sign", formBody + "&x", 404, "MalformedQueryString", "unknown", ""},
		{"broken escape", formBody + "&x=%zz", 404, "MalformedQueryString", "unknown", ""},
		{"cut escape", formBody + "&x=%4", 404, "MalformedQueryString", "unknown", ""},
		{"broken escape in a name", formBody + "&%zz=x", 404, "MalformedQueryString", "unknown", ""},
		{"semicolon", "Action=GetCallerIdentity;Version=2011-06-15", 404, "MalformedQueryString", "unknown", ""},
		{"not UTF-8", formBody + "&x=%ff", 404, "MalformedQueryString", "unknown", "UTF-8"},
		{"64 parameters", formBody + many(62), 403, "MissingAuthenticationToken", "GetCallerIdentity", ""},
		{"65 parameters", formBody + many(63), 404, "MalformedQueryString", "unknown", "too many"},
		{"longest value", formBody + "&x=" + long[1:], 403, "MissingAuthenticationToken", "GetCallerIdentity", ""},
		{"longer value", formBody + "&x=" + long, 404, "MalformedQueryString", "unknown", "too long"},
		{"longest name", formBody + "&" + long[:128] + "=x", 403, "MissingAuthenticationToken", "GetCallerIdentity", ""},
		{"longer name", formBody + "&" + long[:129] + "=x", 404, "MalformedQueryString", "unknown", "too long"},
	}
	for _, tt := range tests {
		got := stsServer(nil, time.Now()).Serve(t.Context(), form(tt.body))
		if got.Status != tt.status || got.Code != tt.code || got.Operation != tt.label {
			t.Errorf("%s: got %d %s of %q, want %d %s of %q", tt.name, got.Status, got.Code, got.Operation, tt.status, tt.code, tt.label)
		}
		if !strings.Contains(string(got.Body), tt.messageParts) {
			t.Errorf("%s: got %s, want it to contain %q", tt.name, got.Body, tt.messageParts)
		}
		if got.Err == nil || cognito.Passing(got.Err) {
			t.Errorf("%s: got Err %v, want a lasting refusal", tt.name, got.Err)
		}
	}
	both := form(formBody)
	both.RawQuery = "Action=GetCallerIdentity"
	get := form(formBody)
	get.Method, get.RawQuery = "GET", formBody
	for _, r := range []*awswire.Request{both, get} {
		if got := stsServer(nil, time.Now()).Serve(t.Context(), r); got.Code != "MalformedQueryString" {
			t.Errorf("%s with parameters in two places: got %s, want MalformedQueryString", r.Method, got.Code)
		}
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("&p" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + "=")
	}
	return b.String()
}

func TestGoldenXML(t *testing.T) {
	got := stsServer(nil, time.Now()).Serve(t.Context(), form(formBody))
	want := "<ErrorResponse xmlns=\"" + namespace + `">
  <Error>
    <Type>Sender</Type>
    <Code>MissingAuthenticationToken</Code>
    <Message>Request is missing Authentication Token</Message>
  </Error>
  <RequestId>` + requestID + `</RequestId>
</ErrorResponse>
`
	if string(got.Body) != want || got.ContentType != "text/xml" {
		t.Errorf("got %s %s, want %s", got.ContentType, got.Body, want)
	}
	if header(got, "Access-Control-Allow-Origin") != "*" || header(got, "x-amzn-RequestId") != requestID {
		t.Errorf("got headers %v, want CORS and request id", got.Headers)
	}
}

func TestGoldenCallerIdentity(t *testing.T) {
	now := time.Now()
	b, c := issue(t, now)
	var body []byte
	s := stsServer(b, now)
	o := stsOptions("http://broker.example", c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	o.HTTPClient = clientFunc(func(r *http.Request) (*http.Response, error) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		in := form(string(sent))
		in.Headers = []awswire.Header{{Name: "Host", Value: r.URL.Host}}
		for name, values := range r.Header {
			in.Headers = append(in.Headers, awswire.Header{Name: name, Value: values[0]})
		}
		in.Headers = append(in.Headers, awswire.Header{Name: "Content-Length", Value: strconv.FormatInt(r.ContentLength, 10)})
		out := s.Serve(r.Context(), in)
		body = out.Body
		return &http.Response{StatusCode: out.Status, Body: io.NopCloser(bytes.NewReader(out.Body)), Header: http.Header{}}, nil
	})
	if _, err := stsclient.New(o).GetCallerIdentity(t.Context(), &stsclient.GetCallerIdentityInput{}); err != nil {
		t.Fatal(err)
	}
	want := "<GetCallerIdentityResponse xmlns=\"" + namespace + `">
  <GetCallerIdentityResult>
    <Arn>` + c.AssumedRoleARN + `</Arn>
    <UserId>` + c.AssumedRoleID + `</UserId>
    <Account>` + account + `</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>` + requestID + `</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
`
	if string(body) != want {
		t.Errorf("got %s\nwant %s", body, want)
	}
	if err := xml.Unmarshal(body, new(struct{})); err != nil {
		t.Errorf("not XML: %v", err)
	}
}

type clientFunc func(*http.Request) (*http.Response, error)

func (f clientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }
