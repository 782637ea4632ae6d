package telemetry

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// What a single event is worth an alarm of stands there before the first: Prometheus
// sees no increase in a series that begins with it.
func TestRareEventsBeginAtZero(t *testing.T) {
	answer := httptest.NewRecorder()
	NewMetrics().Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for _, series := range []string{
		`broker_fence_seconds_count{outcome="begun"} 0`, `broker_fence_seconds_count{outcome="failed"} 0`,
		`broker_key_fetches_total{outcome="ok"} 0`, `broker_key_fetches_total{outcome="error"} 0`,
		`broker_login_questions_total{outcome="ok"} 0`, `broker_login_questions_total{outcome="error"} 0`,
		`broker_authentication_failures_total{kind="api_key"} 0`, `broker_authentication_failures_total{kind="access_key"} 0`,
		`broker_authentication_failures_total{kind="signature"} 0`,
		`broker_redis_missed_total 0`, `broker_redis_unopened_total 0`,
	} {
		if !strings.Contains(answer.Body.String(), series+"\n") {
			t.Errorf("got no %s", series)
		}
	}
}
