// A broker of one's own: the built binary with a configuration in a temporary folder, on a free port of the loopback. It is in
// development mode, keeps nothing, and ends with the process that started it.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const binary = new URL("../../bin/broker", import.meta.url).pathname;
const startTimeout = 30_000;

// The pools of every broker here: with guests, without them, and without roles.
export const account = "000000000000";
export const region = "us-east-1";
export const open = `${region}:00000000-0000-4000-8000-000000000001`;
export const closed = `${region}:00000000-0000-4000-8000-000000000002`;
export const bare = `${region}:00000000-0000-4000-8000-000000000003`;
export const developerProvider = "login.example";

export const role = (name) => `arn:aws:iam::${account}:role/${name}`;
export const providerARN = (provider) => `arn:aws:iam::${account}:oidc-provider/${provider}`;
export const poolARN = (id) => `arn:aws:cognito-identity:${region}:${account}:identitypool/${id}`;

// Callers, by what they may do. Their keys are worth nothing elsewhere.
export const admin = { accessKeyId: "AKIDADMINISTRATORE2E", secretAccessKey: "administrator-of-e2e", apiKey: "administrator-key-of-e2e" };
export const backend = { accessKeyId: "AKIDBACKENDOFTHEE2E0", secretAccessKey: "backend-of-e2e", apiKey: "backend-api-key-of-e2e" };

const caller = (name, keys, scopes) => ({
  name, scopes, pools: ["*"],
  access_key_id: keys.accessKeyId, secret_access_key: keys.secretAccessKey, api_key: keys.apiKey,
});

// freeAddress returns a host and port of the loopback on which nothing listens.
export async function freeAddress() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

// startBroker serves the three pools. issuers are OpenID providers beside the development provider, as {issuer, clients};
// quotas are requests per second by operation.
export async function startBroker({ issuers = [], quotas = {} } = {}) {
  const directory = await mkdtemp(join(tmpdir(), "broker-e2e-"));
  const address = await freeAddress();
  const url = `http://${address}`;
  const config = join(directory, "broker.yaml");
  await writeFile(config, JSON.stringify(configuration(address, directory, issuers, quotas))); // JSON is YAML
  const environ = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BROKER_")));
  const child = spawn(binary, ["serve", "-config", config], { env: environ, stdio: ["ignore", "ignore", "inherit"] });
  const gone = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  const kill = () => child.kill();
  process.once("exit", kill);
  await answers(url, gone);
  return {
    url,
    loginName: `${address}/dev/idp`,
    // idToken is a user's, of the development provider; claims go into it.
    async idToken(user, claims = {}) {
      const extra = Object.entries(claims).flatMap(([name, value]) => ["-claim", `${name}=${value}`]);
      const { stdout } = await promisify(execFile)(binary, ["token", "-config", config, "-user", user, ...extra], { env: environ });
      return stdout.trim();
    },
    async stop() {
      process.off("exit", kill);
      kill();
      await gone;
      await rm(directory, { recursive: true });
    },
  };
}

function configuration(address, directory, issuers, limits) {
  const provider = (issuer) => issuer.replace("http://", "");
  const arns = issuers.map(({ issuer }) => providerARN(provider(issuer)));
  const roles = { authenticated: role("user"), unauthenticated: role("guest") };
  const pool = (id, name, rest) => ({
    id, name, developer_provider_name: developerProvider, open_id_connect_provider_arns: arns, ...rest,
  });
  return {
    mode: "development", listen: address, public_url: `http://${address}`, log: { level: "error", format: "console" },
    cognito: { region, account_id: account, store: join(directory, "broker.db"), limits },
    development: { identity_provider: true, client_id: "demo-app" },
    login_providers: issuers.map(({ issuer, clients }) => ({ provider: provider(issuer), issuer, client_ids: clients })),
    callers: [caller("admin", admin, ["admin", "developer"]), caller("backend", backend, ["developer"])],
    pools: [
      pool(open, "open", { allow_unauthenticated_identities: true, allow_classic_flow: true, roles }),
      pool(closed, "closed", { allow_classic_flow: false, roles }),
      pool(bare, "bare", { allow_unauthenticated_identities: true }),
    ],
  };
}

async function answers(url, gone) {
  const deadline = Date.now() + startTimeout;
  let ended = false;
  gone.then(() => { ended = true; });
  while (!ended && Date.now() < deadline) {
    const health = await fetch(`${url}/healthz`).catch(() => undefined);
    if (health?.ok) return;
    await pause(50);
  }
  throw new Error(ended ? "the broker ended at once; run `make build` first" : "the broker did not come up");
}
