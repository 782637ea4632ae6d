// A broker for a shop whose users log in at an OpenID provider.
import * as cognito from "@aws-sdk/client-cognito-identity";
import { admin, providerARN, region, role, startBroker } from "../lib/broker.js";

// startShop trusts the provider for its client "shop", and makes a pool for its users.
export async function startShop(provider) {
  const broker = await startBroker({ LOGIN_PROVIDERS: [{ provider: provider.loginName, issuer: provider.issuer, client_ids: ["shop"] }] });
  const client = (credentials) => new cognito.CognitoIdentity({ region, endpoint: broker.url, credentials, maxAttempts: 1 });
  const { IdentityPoolId } = await client(admin).createIdentityPool({
    IdentityPoolName: "shop", AllowUnauthenticatedIdentities: false, OpenIdConnectProviderARNs: [providerARN(provider.loginName)],
  });
  await client(admin).setIdentityPoolRoles({ IdentityPoolId, Roles: { authenticated: role("user") } });
  const logins = (token) => ({ [provider.loginName]: token });
  return {
    url: broker.url, stop: broker.stop, pool: IdentityPoolId, admin: client(admin), logins,
    getId: async (token) => (await client().getId({ IdentityPoolId, Logins: logins(token) })).IdentityId,
  };
}
