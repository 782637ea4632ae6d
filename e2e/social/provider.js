// node-oidc-provider as Google and as Apple: their issuers, where they have their keys, and what is particular in their
// ID tokens.
import Provider from "oidc-provider";
import { signIn } from "../oidc/login.js";
import { client, newKey } from "../oidc/provider.js";

// startGoogle serves accounts.google.com. Its tokens have azp, the client that asked; with the scope android another
// than aud, as in an Android app's tokens, which are for the web client.
export const startGoogle = (internet, clients, android) => start(internet, "accounts.google.com", clients, {
  claims: { openid: ["sub", "azp", "email", "email_verified"], android: ["azp"] },
  of: (user, clientID, scope) => ({
    azp: scope.includes("android") ? android : clientID, email: `${user}@gmail.example`, email_verified: true,
  }),
});

// startApple serves appleid.apple.com, with its keys where Apple's are. Its tokens live ten minutes, and say "true".
export const startApple = (internet, clients) => start(internet, "appleid.apple.com", clients, {
  claims: { openid: ["sub", "email", "email_verified", "is_private_email", "nonce_supported"] },
  of: (user) => ({
    email: `${user}@privaterelay.example`, email_verified: "true", is_private_email: "true", nonce_supported: true,
  }),
  ttl: { IdToken: 600 },
  routes: { jwks: "/auth/keys" },
});

async function start(internet, host, clients, { claims, of, ttl = {}, routes = {} }) {
  const issuer = `https://${host}`;
  const keys = await Promise.all(["first", "second"].map(newKey));
  const asked = []; // paths
  const answer = new Provider(issuer, {
    clients: clients.map(client),
    jwks: { keys },
    cookies: { keys: ["cookies-of-e2e"] },
    pkce: { required: () => true },
    conformIdTokenClaims: false, // email and the like stand in the ID token
    claims, ttl, routes,
    findAccount: ({ oidc }, id) => ({
      accountId: id, claims: (_, scope) => ({ sub: id, ...of(id, oidc.client.clientId, scope.split(" ")) }),
    }),
  }).callback();
  await internet.add(host, (request, response) => {
    asked.push(request.url);
    answer(request, response);
  });
  return {
    asked, keys,
    // tokens signs a user in through a client.
    tokens: (user, clientID, scope = "openid") => signIn(issuer, clientID, user, { scope, fetch: internet.fetch }),
  };
}
