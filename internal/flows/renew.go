package flows

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"

	"github.com/cognito-broker/broker/internal/cache"
)

// renewAhead starts a renewal in the background when one is due. The asker has
// his answer already. A renewal never links: calls with several logins do not
// renew, and one login of an identity that is no guest cannot be linked.
func (s *Service) renewAhead(now time.Time, entry *cache.Entry, sub subject, in *cognitoidentity.GetCredentialsForIdentityInput) {
	if now.Before(entry.Due()) || !entry.MayRetry(now) || entry.RenewalEnded() || sub.links || s.closing.Load() {
		return
	}
	// Until this one ends, others who see it due leave it alone.
	entry.PutOff(now.Add(s.Timeout))
	s.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
		defer cancel()
		sub.readEpochs(s.Epochs)
		if !entry.Stamp.Valid() {
			return
		}
		if _, err := s.exchange(ctx, sub, in); err != nil {
			s.failed(entry, sub, err, backOffAhead)
			return
		}
		s.Observer.Renewal("ok")
	})
}
