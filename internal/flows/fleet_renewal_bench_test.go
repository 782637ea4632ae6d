package flows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cognito-broker/broker/internal/flows"
)

// BenchmarkFleetRenewals is how many renewals a broker makes, with a backend that
// takes no time: what the schedule, the renewal request and the entries cost in Redis.
func BenchmarkFleetRenewals(b *testing.B) {
	c := newRenewalFleet(b, 1, nil)
	fill := func() {
		c.pass(time.Hour)
		for n := range 2000 {
			id := fmt.Sprintf("us-east-1:%08x-1111-4111-8111-111111111111", n)
			for range 2 {
				if _, _, err := c.ask(c.brokers[0], id, nil, flows.CallInfo{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		c.reportUses()
		c.pass(40 * time.Minute)
	}
	b.ResetTimer()
	for made := 0; made < b.N; {
		n := c.brokers[0].RenewClaims(b.Context(), 16)
		if made += n; n == 0 {
			b.StopTimer()
			fill()
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "renewals/s")
}
