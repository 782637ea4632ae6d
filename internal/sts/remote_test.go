package sts_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognito-broker/broker/internal/sts"
)

const errorXML = `<ErrorResponse><Error><Type>Sender</Type><Code>CODE</Code><Message>Why.</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`

// What a remote STS refuses is a refusal; all else is a fault, and says whether it
// was a throttle.
func TestRemoteTellsFaultsFromRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status    int
		body      string
		refusal   string
		throttled bool
	}{
		"denied":             {403, named(sts.CodeAccessDenied), sts.CodeAccessDenied, false},
		"an expired token":   {400, named(sts.CodeExpiredIdentityToken), sts.CodeExpiredIdentityToken, false},
		"throttled":          {400, named("Throttling"), "", true},
		"throttled by 429":   {429, named("TooMany"), "", true},
		"a gateway's 429":    {429, "<html>", "", true},
		"slow down":          {503, named("SlowDown"), "", true},
		"the provider":       {400, named(sts.CodeIDPCommunicationError), "", false},
		"internal":           {500, named("InternalFailure"), "", false},
		"denied by a 500":    {500, named(sts.CodeAccessDenied), "", false},
		"a gateway's 403":    {403, "<html>", "", false},
		"nothing":            {500, "", "", false},
		"a page":             {200, "<html>", "", false},
		"no credentials":     {200, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult/></AssumeRoleWithWebIdentityResponse>`, "", false},
		"an empty success":   {200, "", "", false},
		"redirected":         {307, "", "", false},
		"an unreadable code": {400, named("Access Denied"), "", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
			if r.URL.Path != "/" {
				t.Errorf("%s: the token was carried to %s", name, r.URL.Path)
			}
		}))
		err := assumeAt(t.Context(), t, server.URL)
		server.Close()
		fault, passing := errors.AsType[*sts.Fault](err)
		refusal, refused := errors.AsType[*sts.Error](err)
		switch {
		case refused == passing || refused != (c.refusal != ""):
			t.Errorf("%s: got %v, want a fault or a refusal", name, err)
		case refused && refusal.Code != c.refusal:
			t.Errorf("%s: got %s, want %s", name, refusal.Code, c.refusal)
		case passing && fault.Throttled != c.throttled:
			t.Errorf("%s: got a throttle %v, want %v", name, fault.Throttled, c.throttled)
		}
	}
}

// Without an answer there is a fault too; errors.Is finds the context's end.
func TestRemoteWithoutAnAnswer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	if _, ok := errors.AsType[*sts.Fault](assumeAt(t.Context(), t, server.URL)); !ok {
		t.Error("nobody there: want a fault")
	}
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel(); <-release }))
	defer hanging.Close()
	defer close(release)
	err := assumeAt(ctx, t, hanging.URL)
	if _, ok := errors.AsType[*sts.Fault](err); !ok || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v, want a fault that is the context's end", err)
	}
}

func named(code string) string { return strings.Replace(errorXML, "CODE", code, 1) }

func assumeAt(ctx context.Context, t *testing.T, url string) error {
	t.Helper()
	remote, err := sts.NewRemote(sts.RemoteConfig{Region: "us-east-1", Endpoint: url, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = remote.AssumeRoleWithWebIdentity(ctx, sts.Request{
		RoleARN: "arn:aws:iam::000000000000:role/r", SessionName: "s1", Token: "a-token-of-the-test",
	})
	return err
}
