// A broker whose users sign in at a user pool, and what its clients do.
import { region, role, startBroker } from "../lib/broker.js";
import { clientsOf } from "../lib/clients.js";

// configured is the identity pool of the configuration.
export const configured = `${region}:00000000-0000-4000-8000-000000000011`;

// The broker's own AWS credentials: who they are is for a user pool to judge, and cognito-local asks nobody.
const ours = { AWS_ACCESS_KEY_ID: "AKIDOFTHEBROKER00000", AWS_SECRET_ACCESS_KEY: "secret-of-the-broker" };

// startScene serves an identity pool of the configuration that takes these app clients, with role mappings. login is
// what is configured of the user pool.
export async function startScene(login, entries, mappings = {}) {
  const { provider } = login;
  const broker = await startBroker({
    LOGIN_PROVIDERS: [{ kind: "user_pool", ...login }],
    POOLS: [{
      id: configured, name: "user pool", allow_classic_flow: true, roles: { authenticated: role("user") },
      cognito_identity_providers: entries.map((entry) => ({ provider_name: provider, ...entry })),
      role_mappings: mappings,
    }],
  }, { variables: ours });
  const { app, admin, identity, session, rest } = clientsOf(broker);
  const logins = (token) => ({ [provider]: token });
  return {
    app, admin, logins, stop: broker.stop,
    getId: (token) => identity(configured, logins(token)),
    session: (token, { pool = configured, customRoleArn } = {}) => session(pool, logins(token), customRoleArn),
    rest: (token) => rest(configured, logins(token)),
  };
}
