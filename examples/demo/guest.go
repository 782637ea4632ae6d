package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
)

// guest begins without a login, through the SDK.
func (w *walk) guest(ctx context.Context) (string, error) {
	var err error
	if w.guestID, err = w.idOf(ctx, nil); err != nil {
		return "", err
	}
	who, err := w.throughSDK(ctx, w.guestID, nil)
	if err != nil {
		return "", err
	}
	return "without a login the SDK gets a new identity and the guests' role: " + who, nil
}

// upgrade signs the guest in: a new user, so that no earlier identity has him.
func (w *walk) upgrade(ctx context.Context) (string, error) {
	var err error
	if w.newcomer, err = w.mint(ctx, "newcomer-"+rand.Text()); err != nil {
		return "", err
	}
	g, err := w.exchange(ctx, "credentials", "", map[string]any{"identityId": w.guestID, "logins": w.newcomer.logins()})
	if err != nil {
		return "", err
	}
	if g.IdentityID != w.guestID {
		return "", errors.New("the guest lost his identity by signing in")
	}
	who, err := w.whoHas(ctx, g)
	if err != nil {
		return "", err
	}
	_, err = w.exchange(ctx, "credentials", "", map[string]any{"identityId": w.guestID})
	if err := refusedWith(err, http.StatusForbidden, "NotAuthorizedException"); err != nil {
		return "", fmt.Errorf("his identity without a login: %w", err)
	}
	return "signing in, by one POST, the guest keeps his identity and becomes a user: " + sessionOf(who), nil
}

// link ties the backend's own user id to an identity that has another login, which
// the backend shows it holds.
func (w *walk) link(ctx context.Context) (string, error) {
	user, err := w.mint(ctx, "linked-"+rand.Text())
	if err != nil {
		return "", err
	}
	id, err := w.idOf(ctx, user.logins())
	if err != nil {
		return "", err
	}
	own := "demo-" + rand.Text()
	var got struct {
		IdentityID string `json:"identityId"`
	}
	key := w.backend.APIKey.Reveal()
	in := map[string]any{"userIdentifier": own, "identityId": id, "logins": user.logins()}
	if _, err := w.post(ctx, "developer/token", key, in, &got); err != nil {
		return "", err
	}
	g, err := w.exchange(ctx, "developer/credentials", key, map[string]any{"userIdentifier": own})
	if err != nil {
		return "", err
	}
	if got.IdentityID != id || g.IdentityID != id {
		return "", errors.New("the backend's user has another identity than his login")
	}
	return "a user's login and the backend's own id for him now lead to one identity", nil
}

// unlink takes the login away again; nothing that was cached by it is handed out.
func (w *walk) unlink(ctx context.Context) (string, error) {
	in := map[string]any{
		"identityId":     w.guestID,
		"logins":         w.newcomer.logins(),
		"loginsToRemove": []string{w.newcomer.provider},
	}
	if _, err := w.post(ctx, "logins/unlink", "", in, nil); err != nil {
		return "", err
	}
	_, err := w.exchange(ctx, "credentials", "", map[string]any{"identityId": w.guestID, "logins": w.newcomer.logins()})
	if err := refusedWith(err, http.StatusForbidden, "NotAuthorizedException"); err != nil {
		return "", fmt.Errorf("after the unlink: %w", err)
	}
	return "his login taken away, it buys nothing of that identity any more: 403 NotAuthorizedException", nil
}
