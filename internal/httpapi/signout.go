package httpapi

import (
	"time"

	"github.com/cognito-broker/broker/internal/cognito"
)

// signOutInput says whose older logins count no more.
type signOutInput struct {
	Provider  string `json:"provider"`
	Subject   string `json:"subject"`
	NotBefore string `json:"notBefore"`
}

// takesSignOuts refuses where nobody keeps them.
func (h *handlers) takesSignOuts(call) error {
	if !h.Flows.TakesSignOuts() {
		return edgeError(codeNotImplemented,
			"The broker stands in front of Cognito, which asks its user pools itself.")
	}
	return nil
}

// signOut tells of a user who signed out at his login provider.
func (h *handlers) signOut(r call, in *signOutInput) (*none, error) {
	if in.Provider == "" || in.Subject == "" {
		return nil, cognito.InvalidParameter("provider and subject are required.")
	}
	notBefore, err := time.Parse(time.RFC3339, in.NotBefore)
	if err != nil || notBefore.Before(time.Unix(0, 0)) {
		return nil, cognito.InvalidParameter("notBefore has to be a time of RFC 3339, such as 2026-01-02T15:04:05Z.")
	}
	if err := h.describePool(r); err != nil {
		return nil, err
	}
	return nil, h.Flows.SignOut(r.ctx, cognito.SignOut{
		Pool: r.pool, Provider: in.Provider, Subject: in.Subject, NotBefore: notBefore,
	})
}
