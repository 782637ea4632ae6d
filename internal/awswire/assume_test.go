package awswire_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	stsclient "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/cognito-broker/broker/internal/awswire"
	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/sts"
)

const (
	roleARN    = "arn:aws:iam::" + account + ":role/demo"
	policyARN  = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	assumeForm = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + roleARN + "&RoleSessionName=web-identity&WebIdentityToken=SECRET-token"
)

// assumer is an STS that answers with what a test sets, and keeps the request.
type assumer struct {
	err   error
	out   *sts.Response
	got   *sts.Request
	calls int
	dead  bool // the context had a deadline
}

func (a *assumer) AssumeRoleWithWebIdentity(ctx context.Context, req sts.Request) (*sts.Response, error) {
	_, a.dead = ctx.Deadline()
	a.got, a.calls = &req, a.calls+1
	return a.out, a.err
}

func granted() *sts.Response {
	return &sts.Response{
		Credentials: sts.Credentials{
			AccessKeyID: "ASIAEXAMPLEEXAMPLE00", SecretAccessKey: "se/cr+et", SessionToken: "to<ken&==",
			Expiration:     time.Date(2026, 3, 4, 7, 6, 7, 0, time.FixedZone("", 3600)),
			AssumedRoleARN: "arn:aws:sts::" + account + ":assumed-role/demo/web-identity", AssumedRoleID: "AROAEXAMPLE:web-identity",
		},
		Provider: cognito.PassThrough, Audience: pool, Subject: identity,
	}
}

func assuming(a *assumer) *awswire.Server {
	return awswire.New(awswire.Config{API: &fake{}, STS: a, RequestID: func() string { return requestID }})
}

func TestGoldenAssume(t *testing.T) {
	a := &assumer{out: granted()}
	got := assuming(a).Serve(t.Context(), form(assumeForm))
	want := "<AssumeRoleWithWebIdentityResponse xmlns=\"" + namespace + `">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>` + identity + `</SubjectFromWebIdentityToken>
    <Audience>` + pool + `</Audience>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::` + account + `:assumed-role/demo/web-identity</Arn>
      <AssumedRoleId>AROAEXAMPLE:web-identity</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAEXAMPLEEXAMPLE00</AccessKeyId>
      <SecretAccessKey>se/cr+et</SecretAccessKey>
      <SessionToken>to&lt;ken&amp;==</SessionToken>
      <Expiration>2026-03-04T06:06:07Z</Expiration>
    </Credentials>
    <Provider>cognito-identity.amazonaws.com</Provider>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata>
    <RequestId>` + requestID + `</RequestId>
  </ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
`
	if diff := cmp.Diff(want, string(got.Body)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if got.Status != 200 || got.ContentType != "text/xml" || got.Operation != "AssumeRoleWithWebIdentity" || got.Code != "" {
		t.Errorf("got %d %s of %s, %q", got.Status, got.ContentType, got.Operation, got.Code)
	}
	if header(got, "x-amzn-RequestId") != requestID || header(got, "Access-Control-Allow-Origin") != "*" {
		t.Errorf("got headers %v, want CORS and request id", got.Headers)
	}
	wanted := sts.Request{RoleARN: roleARN, SessionName: "web-identity", Token: "SECRET-token"}
	a.out.PackedPolicySize = 42
	if packed := assuming(a).Serve(t.Context(), form(assumeForm)); !strings.Contains(string(packed.Body), "<PackedPolicySize>42</PackedPolicySize>") {
		t.Errorf("got %s, want the packed size", packed.Body)
	}
	if diff := cmp.Diff(&wanted, a.got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// The SDK's client sends all there is, and reads all that comes.
func TestAssumeBySDK(t *testing.T) {
	a := &assumer{out: granted()}
	o := stsOptions(listen(t, assuming(a)), "AKIDEXAMPLE", "secret", "")
	got, err := stsclient.New(o).AssumeRoleWithWebIdentity(t.Context(), &stsclient.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(roleARN), RoleSessionName: aws.String("web-identity"), WebIdentityToken: aws.String("SECRET+token &"),
		ProviderId: aws.String("graph.facebook.com"), Policy: aws.String(`{"Statement":[]}`), DurationSeconds: aws.Int32(900),
		PolicyArns: []ststypes.PolicyDescriptorType{{Arn: aws.String(policyARN)}, {Arn: aws.String(policyARN + "2")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	wanted := sts.Request{
		RoleARN: roleARN, SessionName: "web-identity", Token: "SECRET+token &", ProviderID: "graph.facebook.com",
		Policy: `{"Statement":[]}`, Duration: 15 * time.Minute, PolicyARNs: []string{policyARN, policyARN + "2"},
	}
	if diff := cmp.Diff(&wanted, a.got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	c := got.Credentials
	if aws.ToString(c.AccessKeyId) != "ASIAEXAMPLEEXAMPLE00" || aws.ToString(c.SecretAccessKey) != "se/cr+et" ||
		aws.ToString(c.SessionToken) != "to<ken&==" || !c.Expiration.Equal(a.out.Credentials.Expiration) {
		t.Error("got other credentials than were granted")
	}
	texts := []string{
		aws.ToString(got.AssumedRoleUser.Arn), aws.ToString(got.AssumedRoleUser.AssumedRoleId), aws.ToString(got.Audience),
		aws.ToString(got.Provider), aws.ToString(got.SubjectFromWebIdentityToken),
	}
	want := []string{a.out.Credentials.AssumedRoleARN, a.out.Credentials.AssumedRoleID, pool, cognito.PassThrough, identity}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// tokenFile stands for a file that holds a token.
type tokenFile string

func (f tokenFile) GetIdentityToken() ([]byte, error) { return []byte(f), nil }

func TestWebIdentityRoleProvider(t *testing.T) {
	a := &assumer{out: granted()}
	o := stsOptions(listen(t, assuming(a)), "", "", "")
	o.Credentials = nil // as in a pod, where there are none yet
	got, err := stscreds.NewWebIdentityRoleProvider(stsclient.New(o), roleARN, tokenFile("SECRET-token"), func(o *stscreds.WebIdentityRoleOptions) {
		o.PolicyARNs = []ststypes.PolicyDescriptorType{} // written as an empty parameter
	}).Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessKeyID != "ASIAEXAMPLEEXAMPLE00" || got.SecretAccessKey != "se/cr+et" || a.got.Token != "SECRET-token" || a.got.PolicyARNs != nil {
		t.Error("got other credentials, or another request, than were sent")
	}
}

func TestAssumeParameters(t *testing.T) {
	const (
		one   = "1 validation error detected: "
		null  = "Value null at '%s' failed to satisfy constraint: Member must not be null"
		head  = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
		gap   = one + "Value at 'policyArns' failed to satisfy constraint: Member must be PolicyArns.member.N.arn, numbered from 1 without gaps"
		whole = one + "Value at 'durationSeconds' failed to satisfy constraint: Member must be a decimal integer"
	)
	arn := func(numbers ...string) string {
		var b strings.Builder
		for _, n := range numbers {
			b.WriteString("&PolicyArns.member." + n + ".arn=" + policyARN)
		}
		return b.String()
	}
	ten := []string{"10", "2", "3", "4", "5", "6", "7", "8", "9", "1"}
	tests := []struct{ name, body, message string }{
		{"no role", strings.Replace(assumeForm, "RoleArn", "roleArn", 1), one + fmt.Sprintf(null, "roleArn")},
		{"no session name", strings.Replace(assumeForm, "RoleSessionName", "X", 1), one + fmt.Sprintf(null, "roleSessionName")},
		{"no token", strings.Replace(assumeForm, "WebIdentityToken", "X", 1), one + fmt.Sprintf(null, "webIdentityToken")},
		{"nothing", head, "3 validation errors detected: " + fmt.Sprintf(null, "roleArn") + "; " + fmt.Sprintf(null, "roleSessionName") + "; " + fmt.Sprintf(null, "webIdentityToken")},
		{"nothing and more", head + "&RoleArn=x&DurationSeconds=x", "3 validation errors detected: " + fmt.Sprintf(null, "roleSessionName") + "; " +
			fmt.Sprintf(null, "webIdentityToken") + "; " + strings.TrimPrefix(whole, one)},
		{"empty role is another's to judge", head + "&RoleArn=&RoleSessionName=&WebIdentityToken=", ""},
		{"unknown parameter", assumeForm + "&Tags.member.1.Key=a&policy=x", ""},
		{"empty provider", assumeForm + "&ProviderId=", one + "Value at 'providerId' failed to satisfy constraint: Member must have length greater than or equal to 4"},
		{"empty policy", assumeForm + "&Policy=", one + "Value at 'policy' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"one policy", assumeForm + arn("1"), ""},
		{"ten policies in any order", assumeForm + arn(ten...), ""},
		{"eleven", assumeForm + arn(append(ten, "11")...), one + "Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{"empty list", assumeForm + "&PolicyArns=", ""},
		{"gap", assumeForm + arn("1", "3"), gap},
		{"from zero", assumeForm + arn("0", "1"), gap},
		{"from two", assumeForm + arn("2"), gap},
		{"leading zero", assumeForm + arn("01"), gap},
		{"negative", assumeForm + arn("-1"), gap},
		{"huge", assumeForm + arn("99999999999999999999"), gap},
		{"other member", assumeForm + "&PolicyArns.member.1.Arn=" + policyARN, gap},
		{"without member", assumeForm + "&PolicyArns.1.arn=" + policyARN, gap},
		{"list as a text", assumeForm + "&PolicyArns=" + policyARN, gap},
		{"empty ARN", assumeForm + "&PolicyArns.member.1.arn=", one + "Value at 'policyArns.1.member.arn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"long ARN", assumeForm + "&PolicyArns.member.1.arn=" + strings.Repeat("a", 2049), one + "Value at 'policyArns.1.member.arn' failed to satisfy constraint: Member must have length less than or equal to 2048"},
		{"shortest", assumeForm + "&DurationSeconds=900", ""},
		{"longest", assumeForm + "&DurationSeconds=43200", ""},
		{"too short", assumeForm + "&DurationSeconds=899", one + "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"zero is not left out", assumeForm + "&DurationSeconds=0", one + "Value '0' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"negative", assumeForm + "&DurationSeconds=-900", one + "Value '-900' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"too long", assumeForm + "&DurationSeconds=43201", one + "Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"overflow", assumeForm + "&DurationSeconds=18446744073709552516", whole},
		{"fraction", assumeForm + "&DurationSeconds=900.0", whole},
		{"exponent", assumeForm + "&DurationSeconds=9e2", whole},
		{"hexadecimal", assumeForm + "&DurationSeconds=0x384", whole},
		{"plus", assumeForm + "&DurationSeconds=%2B900", whole},
		{"blank", assumeForm + "&DurationSeconds=+900", whole},
		{"empty", assumeForm + "&DurationSeconds=", whole},
		{"minus alone", assumeForm + "&DurationSeconds=-", whole},
	}
	for _, tt := range tests {
		a := &assumer{out: granted()}
		got := assuming(a).Serve(t.Context(), form(tt.body))
		if tt.message == "" {
			if got.Status != 200 || a.calls != 1 {
				t.Errorf("%s: got %d %s", tt.name, got.Status, got.Body)
			}
			continue
		}
		var answer struct {
			Message string `xml:"Error>Message"`
		}
		if err := xml.Unmarshal(got.Body, &answer); err != nil || answer.Message != tt.message {
			t.Errorf("%s: got %q, %v\nwant %q", tt.name, answer.Message, err, tt.message)
		}
		if got.Status != 400 || got.Code != sts.CodeValidation || a.calls > 0 || got.Operation != "AssumeRoleWithWebIdentity" {
			t.Errorf("%s: got %d %s of %s, %d calls", tt.name, got.Status, got.Code, got.Operation, a.calls)
		}
	}
}

// Who may not ask, and in which way.
func TestAssumeAccess(t *testing.T) {
	signed := form(assumeForm)
	signed.Headers = append(signed.Headers, awswire.Header{Name: "Authorization", Value: "AWS4-HMAC-SHA256 nonsense"})
	get := &awswire.Request{Method: "GET", Path: "/", RawQuery: assumeForm}
	both := form(assumeForm)
	both.RawQuery = "a=b"
	for _, tt := range []struct {
		name, code, label string
		request           *awswire.Request
	}{
		{"unsigned", "", "AssumeRoleWithWebIdentity", form(assumeForm)},
		{"badly signed", "", "AssumeRoleWithWebIdentity", signed},
		{"by address", "InvalidAction", "unknown", get},
		{"in two places", "MalformedQueryString", "unknown", both},
		{"parameter twice", "MalformedQueryString", "unknown", form(assumeForm + "&RoleArn=" + roleARN)},
		{"other version", "InvalidAction", "unknown", form(strings.Replace(assumeForm, "2011-06-15", "2011-06-16", 1))},
	} {
		a := &assumer{out: granted()}
		got := assuming(a).Serve(t.Context(), tt.request)
		if got.Code != tt.code || got.Operation != tt.label || (a.calls == 1) != (tt.code == "") {
			t.Errorf("%s: got %s of %s, %d calls, want %q of %s", tt.name, got.Code, got.Operation, a.calls, tt.code, tt.label)
		}
	}
	if got := newServer(&fake{}).Serve(t.Context(), form(assumeForm)); got.Code != "InvalidAction" {
		t.Errorf("no STS: got %s, want InvalidAction", got.Code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a := &assumer{out: granted()}
	if assuming(a).Serve(ctx, form(assumeForm)); !a.dead {
		t.Error("got a context without the request's deadline")
	}
}

func TestAssumeErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"refused", &sts.Error{Code: sts.CodeAccessDenied, Message: "No."}, 403, "AccessDenied"},
		{"wrapped", fmt.Errorf("SECRET: %w", &sts.Error{Code: sts.CodeExpiredIdentityToken, Message: "Old."}), 400, "ExpiredTokenException"},
		{"provider", &sts.Error{Code: sts.CodeIDPCommunicationError, Message: "Later."}, 400, "IDPCommunicationError"},
		{"policy", &sts.Error{Code: sts.CodePackedPolicyTooLarge, Message: "Long."}, 400, "PackedPolicyTooLarge"},
		{"claim", &sts.Error{Code: sts.CodeIDPRejectedClaim, Message: "No."}, 403, "IDPRejectedClaim"},
		{"unknown code", &sts.Error{Code: "Throttling", Message: "SECRET"}, 500, "InternalFailure"},
		{"throttled", fmt.Errorf("SECRET: %w", &sts.Fault{Throttled: true}), 400, "Throttling"},
		{"no answer", fmt.Errorf("SECRET: %w", &sts.Fault{}), 500, "InternalFailure"},
		{"late", context.DeadlineExceeded, 500, "InternalFailure"},
		{"of another service", cognito.TooManyRequests("SECRET"), 500, "InternalFailure"},
		{"nothing at all", nil, 500, "InternalFailure"},
	} {
		client := stsclient.New(stsOptions(listen(t, assuming(&assumer{err: tt.err})), "", "", ""))
		_, err := client.AssumeRoleWithWebIdentity(t.Context(), &stsclient.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(roleARN), RoleSessionName: aws.String("s1"), WebIdentityToken: aws.String("SECRET-token"),
		})
		api, ok := errors.AsType[smithy.APIError](err)
		if !ok || api.ErrorCode() != tt.code || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.code)
		}
		if r, ok := errors.AsType[interface {
			error
			HTTPStatusCode() int
		}](err); !ok || r.HTTPStatusCode() != tt.status {
			t.Errorf("%s: got %v, want status %d", tt.name, err, tt.status)
		}
	}
}

// Callers are users of the account, by header and by address.
func TestCallerIdentityOfCallers(t *testing.T) {
	sealed, session := issue(t, time.Now())
	s := awswire.New(awswire.Config{API: &fake{}, Callers: knownCallers(t), Sessions: sealed, AccountID: account})
	o := stsOptions(listen(t, s), accessKey("idle"), "SECRET-idle", "")
	got, err := stsclient.New(o).GetCallerIdentity(t.Context(), &stsclient.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(got.Account) != account || aws.ToString(got.Arn) != "arn:aws:iam::"+account+":user/idle" || aws.ToString(got.UserId) != "idle" {
		t.Errorf("got %s %s %s, want user idle", *got.Account, *got.Arn, *got.UserId)
	}
	presigned, err := stsclient.NewPresignClient(stsclient.New(o)).PresignGetCallerIdentity(t.Context(), &stsclient.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(presigned.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := &awswire.Request{Method: http.MethodGet, Path: "/", RawQuery: address.RawQuery, Headers: []awswire.Header{{Name: "Host", Value: address.Host}}}
	if out := s.Serve(t.Context(), r); out.Status != 200 || !strings.Contains(string(out.Body), ":user/idle</Arn>") {
		t.Errorf("presigned: got %d %s", out.Status, out.Body)
	}
	r.RawQuery += "&a=b"
	if out := s.Serve(t.Context(), r); out.Code != "SignatureDoesNotMatch" {
		t.Errorf("presigned and changed: got %d %s", out.Status, out.Code)
	}
	for _, tt := range []struct{ name, key, secret, token, code string }{
		{"another's secret", accessKey("idle"), "SECRET-boss", "", "SignatureDoesNotMatch"},
		{"unknown", accessKey("nobody"), "SECRET-nobody", "", "InvalidClientTokenId"},
		{"unknown, dummy secret", accessKey("nobody"), strings.Repeat("0", 40), "", "InvalidClientTokenId"},
		{"caller with a session's token", accessKey("idle"), "SECRET-idle", session.SessionToken, "InvalidClientTokenId"},
		{"session without its token", session.AccessKeyID, session.SecretAccessKey, "", "InvalidClientTokenId"},
	} {
		o := stsOptions(aws.ToString(o.BaseEndpoint), tt.key, tt.secret, tt.token)
		_, err := stsclient.New(o).GetCallerIdentity(t.Context(), &stsclient.GetCallerIdentityInput{})
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != tt.code {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.code)
		}
	}
}
