// Package zitadel is a test: the OpenID provider of zitadel/oidc, in process,
// as a login provider of the broker. It is a module of its own so that what the
// provider needs is no dependency of the broker.
package zitadel

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// Clients of the provider. The broker trusts it for the first.
const (
	shop  = "shop"
	other = "another-app"

	redirectURI = "http://localhost/auth/callback" // never fetched: the code is read off the redirect
)

// The provider's users have one password.
const (
	alice    = "test-user@127.0.0.1"
	bob      = "test-user2"
	password = "verysecure"
)

// startProvider serves zitadel/oidc's server with the storage and the login page
// of its example, until the test ends. It returns the issuer.
func startProvider(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	storage.RegisterClients(storage.NativeClient(shop, redirectURI), storage.NativeClient(other, redirectURI))
	users := storage.NewStorage(storage.NewUserStore(issuer))
	server.Config.Handler = exampleop.SetupServer(issuer, users, slog.New(slog.DiscardHandler), false)
	server.Start()
	t.Cleanup(server.Close)
	return issuer
}

// nameOf is an issuer's key in Logins.
func nameOf(issuer string) string { return strings.TrimPrefix(issuer, "http://") }
