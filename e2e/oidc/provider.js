// node-oidc-provider as an OpenID provider on the loopback. Its keys are ours to rotate: the server stays, the provider behind it
// is made anew over the same clients with other keys, as a provider that is restarted.
import { createServer } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";
import { freeAddress } from "../lib/broker.js";

export const redirectURI = "https://app.example/callback"; // never fetched: the code is read off the redirect

export const client = (client_id) => ({
  client_id, redirect_uris: [redirectURI], response_types: ["code"], grant_types: ["authorization_code"],
  token_endpoint_auth_method: "none", // a public client: PKCE alone guards the code
});

// newKey makes a signing key, private part and all.
export async function newKey(kid) {
  const { privateKey } = await generateKeyPair("RS256", { modulusLength: 2048, extractable: true });
  return { ...(await exportJWK(privateKey)), kid, use: "sig", alg: "RS256" };
}

// startProvider serves the clients. It signs with the first of keys and publishes all.
export async function startProvider(clients, keys) {
  const address = await freeAddress();
  const issuer = `http://${address}`;
  let answer;
  const serve = (signing) => {
    answer = new Provider(issuer, {
      clients: clients.map(client),
      jwks: { keys: signing },
      cookies: { keys: ["cookies-of-e2e"] },
      pkce: { required: () => true },
      conformIdTokenClaims: false, // claims of scopes stand in the ID token, where role mappings look for them
      claims: { openid: ["sub"], team: ["team"] },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, team: id === "olga" ? "ops" : "dev" }) }),
    }).callback();
  };
  serve(keys);
  const server = createServer((request, response) => answer(request, response));
  const [host, port] = address.split(":");
  await new Promise((resolve, reject) => server.once("error", reject).listen(Number(port), host, resolve));
  return {
    issuer,
    loginName: address, // the key in Logins
    rotate: serve,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
