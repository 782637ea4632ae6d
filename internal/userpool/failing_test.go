package userpool_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognito-broker/broker/internal/userpool"
)

// silent is a user pool that answers nothing, until it answers as it is told.
type silent struct {
	questions atomic.Int32
	awake     atomic.Bool
}

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.questions.Add(1)
	if s.awake.Load() {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(there))}, nil
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A user pool that answers nothing is asked so many times at once, and not again within a second: all who
// wait are told in the time that one question takes, and who comes then at once.
func TestUserPoolThatIsSilent(t *testing.T) {
	pool := &silent{}
	c, err := userpool.New(userpool.Config{ // outside the bubble: its memories never end
		Region: "eu-west-1", Pool: "eu-west-1_abc", Endpoint: "https://pool.test", Credentials: credentials,
		Client: &http.Client{Transport: pool},
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var all sync.WaitGroup
		for n := range 1000 {
			all.Go(func() {
				name := fmt.Sprintf("user%d", n%100)
				if _, err := c.Check(t.Context(), name, "sub", userpool.Issue); kind(err) != "unavailable" {
					t.Errorf("%s: got %v", name, err)
				}
			})
		}
		all.Wait()
		if took, n := time.Since(began), pool.questions.Load(); took != 3*time.Second || n != 16 {
			t.Errorf("a hundred users: %d questions and %v, want 16 and 3 s", n, took)
		}
		pool.awake.Store(true)
		check := func(what, want string, questions int32) {
			t.Helper()
			began := time.Now()
			_, err := c.Check(t.Context(), "another", "sub", 0)
			if got := kind(err); got != want || pool.questions.Load() != questions || time.Since(began) != 0 {
				t.Errorf("%s: got %q after %v by %d questions, want %q at once by %d", what, got, time.Since(began),
					pool.questions.Load(), want, questions)
			}
		}
		check("at once", "unavailable", 16)
		time.Sleep(time.Second - 1)
		check("within a second", "unavailable", 16)
		time.Sleep(time.Nanosecond)
		check("a second later", "", 17)
		time.Sleep(time.Nanosecond)
		check("awake", "", 18)
	})
}

// What is said of one user alone keeps nobody else from being asked for.
func TestAnswersThatHoldUpNobody(t *testing.T) {
	for _, c := range []struct {
		status    int
		body      string
		questions int32
	}{
		{200, `{"Enabled":true}`, 2}, {200, `<html>`, 2}, {400, `{"__type":"InvalidParameterException"}`, 2},
		{500, ``, 1}, {429, ``, 1}, {400, `{"__type":"TooManyRequestsException"}`, 1},
	} {
		p := start(t)
		p.says(c.status, c.body)
		now := time.Unix(1_800_000_000, 0)
		asks := checker(t, p, func() time.Time { return now })
		for _, name := range []string{"alice", "bob"} {
			if _, err := asks.Check(t.Context(), name, "sub", userpool.Issue); kind(err) != "unavailable" {
				t.Errorf("%d %s: got %v", c.status, c.body, err)
			}
		}
		if n := p.asked.Load(); n != c.questions {
			t.Errorf("%d %s: %d questions about two users, want %d", c.status, c.body, n, c.questions)
		}
	}
}
