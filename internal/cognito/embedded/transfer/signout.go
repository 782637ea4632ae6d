package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/cognito-broker/broker/internal/cognito/embedded/rules"
	"github.com/cognito-broker/broker/internal/cognito/embedded/store"
)

// signOut is what was told of a user who signed out at his provider.
type signOut struct {
	Pool      string     `json:"pool"`
	Provider  string     `json:"provider"`
	Subject   string     `json:"subject"`
	NotBefore *time.Time `json:"notBefore,omitempty"`
	Told      *time.Time `json:"told,omitempty"`
}

func exportSignOuts(tx *store.Tx, pool string, e *json.Encoder) error {
	return tx.SignOuts(pool, func(l rules.Login, s store.SignOut) error {
		notBefore, told := s.NotBefore.UTC(), s.Told.UTC()
		return e.Encode(line{SignOut: &signOut{
			Pool: pool, Provider: l.Provider, Subject: l.Subject, NotBefore: &notBefore, Told: &told,
		}})
	})
}

// signOut takes over a sign-out; where the store knows of one, the later counts.
func (i *importer) signOut(in *signOut) error {
	pool, ok := i.pools[in.Pool]
	switch {
	case !ok:
		return errors.New("signOut.pool is neither in the store nor on a line before")
	case len(in.Provider) > maxProvider || !pool.takes(pool.Key(in.Provider)):
		return errors.New("signOut.provider is none of the pool's")
	case rules.Timeless(pool.Key(in.Provider)):
		return fmt.Errorf("signOut.provider: %s", rules.MsgTimeless)
	case in.Subject == "" || utf8.RuneCountInString(in.Subject) > maxSubject:
		return fmt.Errorf("signOut.subject has %d characters; expected 1 to %d", utf8.RuneCountInString(in.Subject),
			maxSubject)
	case in.NotBefore == nil || in.Told == nil:
		return errors.New("signOut lacks notBefore or told")
	case in.NotBefore.Before(time.Unix(0, 0)) || in.Told.Before(time.Unix(0, 0)):
		return errors.New("signOut.notBefore or signOut.told is before 1970")
	case in.Told.After(i.now.Add(rules.MaxAhead)):
		return errors.New("signOut.told lies ahead")
	case in.NotBefore.After(i.now.Add(rules.MaxAhead)):
		return fmt.Errorf("signOut.%s", rules.MsgAhead)
	}
	login := rules.Login{Provider: pool.Key(in.Provider), Subject: in.Subject}
	return errors.Join(
		i.tx.PutSignOut(pool.ID, login, store.SignOut{NotBefore: *in.NotBefore, Told: *in.Told}), i.mark(pool.ID))
}
