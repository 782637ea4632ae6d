// A broker whose users sign in at Google or Apple, as node-oidc-provider plays them.
import { importJWK, SignJWT } from "jose";
import { providerARN, role, startBroker } from "../lib/broker.js";
import { clientsOf } from "../lib/clients.js";

const social = { IdentityPoolName: "social", AllowUnauthenticatedIdentities: false, AllowClassicFlow: true };

// startScene trusts a kind's provider, whose name is a key in Logins. Beside the CA and the way to the provider it is
// configured as with Google and Apple themselves. listed are the clients of pools that name the provider by its ARN.
export async function startScene(internet, kind, provider, listed, settings = {}) {
  const broker = await startBroker({
    LOGIN_PROVIDERS: [{ provider, kind, ca_file: internet.authority, client_ids: listed, ...settings }],
  }, { variables: internet.proxy });
  const clients = clientsOf(broker);
  const logins = (token) => ({ [provider]: token });
  // lists are how a pool names the provider: by an app's id, by its ARN, or both.
  const lists = {
    app: (id) => ({ SupportedLoginProviders: { [provider]: id } }),
    arn: { OpenIdConnectProviderARNs: [providerARN(provider)] },
  };
  return {
    ...clients, logins, lists, arn: providerARN(provider), stop: broker.stop, run: broker.run,
    identity: (pool, token) => clients.identity(pool, logins(token)),
    session: (pool, token) => clients.session(pool, logins(token)),
    rest: (pool, token) => clients.rest(pool, logins(token)),
    // pool makes an identity pool.
    async pool(naming) {
      const { IdentityPoolId } = await clients.admin.createIdentityPool({ ...social, ...naming });
      await clients.admin.setIdentityPoolRoles({ IdentityPoolId, Roles: { authenticated: role("user") } });
      return IdentityPoolId;
    },
    // rename has a pool name the provider in another way.
    rename: (IdentityPoolId, naming) => clients.admin.updateIdentityPool({ IdentityPoolId, ...social, ...naming }),
    // amr is how the token of the classic flow names the user's logins.
    async amr(pool, token) {
      const IdentityId = await clients.identity(pool, logins(token));
      const { Token } = await clients.app.getOpenIdToken({ IdentityId, Logins: logins(token) });
      return JSON.parse(Buffer.from(Token.split(".")[1], "base64url")).amr;
    },
  };
}

// sign signs claims as the provider does, or somebody else by that name.
export const sign = async (claims, key, kid = key.kid) =>
  new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(await importJWK(key, "RS256"));
