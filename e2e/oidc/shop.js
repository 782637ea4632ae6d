// A broker for a shop whose users log in at an OpenID provider.
import { providerARN, role, startBroker } from "../lib/broker.js";
import { clientsOf } from "../lib/clients.js";

// startShop trusts the provider for its client "shop", and makes a pool for its users.
export async function startShop(provider) {
  const broker = await startBroker({ LOGIN_PROVIDERS: [{ provider: provider.loginName, issuer: provider.issuer, client_ids: ["shop"] }] });
  const { admin, whoAmI, identity, session, rest } = clientsOf(broker);
  const { IdentityPoolId } = await admin.createIdentityPool({
    IdentityPoolName: "shop", AllowUnauthenticatedIdentities: false, OpenIdConnectProviderARNs: [providerARN(provider.loginName)],
  });
  await admin.setIdentityPoolRoles({ IdentityPoolId, Roles: { authenticated: role("user") } });
  const logins = (token) => ({ [provider.loginName]: token });
  return {
    stop: broker.stop, pool: IdentityPoolId, admin, whoAmI,
    getId: (token) => identity(IdentityPoolId, logins(token)),
    session: (token) => session(IdentityPoolId, logins(token)),
    rest: (token) => rest(IdentityPoolId, logins(token)),
  };
}
