package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/smithy-go"
	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"

	"github.com/cognito-broker/broker/internal/cognito"
	"github.com/cognito-broker/broker/internal/telemetry"
)

// The one table of statuses, over every exception of the SDK.
func TestStatuses(t *testing.T) {
	for err, want := range map[smithy.APIError]int{
		&types.InvalidParameterException{}: 400, &types.NotAuthorizedException{}: 403,
		&types.ResourceNotFoundException{}: 404, &types.ResourceConflictException{}: 409,
		&types.DeveloperUserAlreadyRegisteredException{}: 409, &types.ConcurrentModificationException{}: 409,
		&types.LimitExceededException{}: 409, &types.InvalidIdentityPoolConfigurationException{}: 422,
		&types.TooManyRequestsException{}: 429, &types.InternalErrorException{}: 500, &types.ExternalServiceException{}: 502,
		cognito.Public(cognito.Validation("")): 400, cognito.Public(cognito.Serialization("")): 400,
		&smithy.GenericAPIError{Code: cognito.CodeAccessDenied}: 403, &smithy.GenericAPIError{Code: cognito.CodeTooLarge}: 413,
		&smithy.GenericAPIError{Code: codeContentType}: 415, &smithy.GenericAPIError{Code: codeMethod}: 405,
		&smithy.GenericAPIError{Code: codeNotImplemented}: 501,
		&smithy.GenericAPIError{Code: codeNoRoute}:        404, &smithy.GenericAPIError{Code: "SomethingNew"}: 500,
	} {
		if got := statusOf(err.ErrorCode()); got != want {
			t.Errorf("%s: got %d, want %d", err.ErrorCode(), got, want)
		}
	}
}

// What is no error of the service tells its caller nothing.
func TestProblemsDoNotLeak(t *testing.T) {
	for name, c := range map[string]struct {
		err        error
		status     int
		retryAfter string
	}{
		"unknown":   {errors.New("pq: password is hunter2"), 500, ""},
		"deadline":  {context.DeadlineExceeded, 503, retryAfter},
		"behind":    {cognito.Unavailable(errors.New("hunter2")), 503, retryAfter},
		"throttled": {cognito.TooManyRequests("Rate exceeded"), 429, retryAfter},
		"cause":     {cognito.WithCause(cognito.NotAuthorized("no"), errors.New("hunter2")), 403, ""},
	} {
		app := fiber.New()
		app.Get("/", func(ctx *fiber.Ctx) error { refuse(ctx, "id", c.err); return nil })
		answer, err := app.Test(httptest.NewRequest(http.MethodGet, "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		var p problem
		if err := json.Unmarshal(body, &p); err != nil || p.Status != c.status || answer.StatusCode != c.status {
			t.Errorf("%s: got %d %s, want %d", name, answer.StatusCode, body, c.status)
		}
		if strings.Contains(string(body), "hunter2") || answer.Header.Get("Retry-After") != c.retryAfter {
			t.Errorf("%s: got %s, Retry-After %q", name, body, answer.Header.Get("Retry-After"))
		}
	}
}

func TestPanicsDoNotKill(t *testing.T) {
	s := New(Config{Metrics: telemetry.NewMetrics(), Log: zap.NewNop(), BodyBytes: 1024, RequestTimeout: time.Second})
	s.app.Get("/panic", s.guarded(func(*fiber.Ctx) error { panic("hunter2") }))
	answer, err := s.app.Test(httptest.NewRequest(http.MethodGet, "/panic", nil))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "hunter2") {
		t.Errorf("got %d %s, want a bare 500", answer.StatusCode, body)
	}
}

func TestClientClasses(t *testing.T) {
	c := newClasses([]Client{
		{regexp.MustCompile(`aws-amplify/.*framework/10[0-9]`), 20 * time.Minute},
		{regexp.MustCompile(`aws-amplify/`), 51 * time.Minute},
	})
	app := fiber.New()
	app.Get("/", func(ctx *fiber.Ctx) error { return ctx.SendString(c.floor(c.of(ctx)).String()) })
	for agents, want := range map[[2]string]string{
		{"", ""}:                                    "0s",
		{"", "aws-sdk-go-v2/1"}:                     "0s",
		{"aws-amplify/6.0 framework/102", ""}:       "20m0s",
		{"aws-amplify/6.0 framework/2", "Mozilla"}:  "51m0s",
		{"", "aws-amplify/6"}:                       "51m0s",
		{"aws-amplify/6.0", "framework/105"}:        "20m0s",
		{strings.Repeat("x", 2000), "aws-amplify/"}: "0s",
	} {
		for range 2 { // matched, then remembered
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("X-Amz-User-Agent", agents[0])
			r.Header.Set("User-Agent", agents[1])
			answer, err := app.Test(r)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(answer.Body); string(body) != want {
				t.Errorf("%.40q: got %s, want %s", agents, body, want)
			}
		}
	}
}

func TestMinRemaining(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "0s", `0`: "0s", `60`: "1m0s", `43200`: "12h0m0s", `"20m"`: "20m0s", `"12h"`: "12h0m0s",
		`43201`: "", `-1`: "", `1.5`: "", `"-1s"`: "", `"12h1s"`: "", `"soon"`: "", `true`: "", `[]`: "", `9223372036854775807`: "",
	} {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		got, err := minRemaining(v)
		if (err != nil) != (want == "") || (err == nil && got.String() != want) {
			t.Errorf("%s: got %v %v, want %q", text, got, err, want)
		}
	}
}

// Only what keeps misses from being answered takes a broker out of service.
func TestReadiness(t *testing.T) {
	store, redis := Reason{Part: "store", Reason: "cannot be read"}, Reason{Part: "redis", Reason: "full", Degraded: true}
	for want, reasons := range map[string][]Reason{
		`200 {"reasons":[],"status":"ok"}`:                                                                                     nil,
		`200 {"reasons":[{"part":"redis","reason":"full"}],"status":"degraded"}`:                                               {redis},
		`503 {"reasons":[{"part":"store","reason":"cannot be read"}],"status":"unavailable"}`:                                  {store},
		`503 {"reasons":[{"part":"store","reason":"cannot be read"},{"part":"redis","reason":"full"}],"status":"unavailable"}`: {store, redis},
	} {
		s := New(Config{
			Metrics: telemetry.NewMetrics(), Log: zap.NewNop(), BodyBytes: 1024, RequestTimeout: time.Second,
			Ready: func(context.Context) []Reason { return reasons },
		})
		answer, err := s.app.Test(httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		if got := fmt.Sprint(answer.StatusCode, " ", string(body)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
