// A broker of one's own: the built binary with ../broker.yaml, on a free port of the loopback. It keeps nothing, and ends with the
// process that started it.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const binary = fileURLToPath(new URL("../../bin/broker", import.meta.url));
const config = fileURLToPath(new URL("../broker.yaml", import.meta.url));
const startTimeout = 30_000;

// The pools of broker.yaml: with guests, without them, and without roles.
export const account = "000000000000";
export const region = "us-east-1";
export const open = `${region}:00000000-0000-4000-8000-000000000001`;
export const closed = `${region}:00000000-0000-4000-8000-000000000002`;
export const bare = `${region}:00000000-0000-4000-8000-000000000003`;
export const developerProvider = "login.example";

export const role = (name) => `arn:aws:iam::${account}:role/${name}`;
export const providerARN = (provider) => `arn:aws:iam::${account}:oidc-provider/${provider}`;
export const poolARN = (id) => `arn:aws:cognito-identity:${region}:${account}:identitypool/${id}`;

// The callers of broker.yaml, each with the scope of its name.
export const admin = { accessKeyId: "AKIDADMINISTRATORE2E", secretAccessKey: "administrator-of-e2e" };
export const developer = { accessKeyId: "AKIDBACKENDOFTHEE2E0", secretAccessKey: "backend-of-e2e" };

// freeAddress returns a host and port of the loopback on which nothing listens.
export async function freeAddress() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

// startBroker takes further settings by the names of their variables, without BROKER_: {COGNITO__LIMITS: {GetId: 1}};
// another configuration file; and further variables of its environment, such as AWS credentials.
export async function startBroker(settings = {}, { file = config, variables = {} } = {}) {
  const directory = await mkdtemp(join(tmpdir(), "broker-e2e-"));
  const address = await freeAddress();
  const url = `http://${address}`;
  const own = { LISTEN: address, PUBLIC_URL: url, COGNITO__STORE: join(directory, "broker.db") };
  const env = environ({ ...own, ...settings }, variables);
  const child = spawn(binary, ["serve", "-config", file], { env, stdio: ["ignore", "ignore", "inherit"] });
  const gone = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  const kill = () => child.kill();
  process.once("exit", kill);
  await answers(url, gone);
  // run runs another command of the broker, with the same configuration, and returns what it printed.
  const run = async (command, ...options) =>
    (await promisify(execFile)(binary, [command, "-config", file, ...options], { env })).stdout.trim();
  return {
    url, run,
    loginName: `${address}/dev/idp`, // the development provider's key in Logins
    // idToken is a user's, of the development provider; claims go into it.
    idToken: (user, claims = {}) =>
      run("token", "-user", user, ...Object.entries(claims).flatMap(([name, value]) => ["-claim", `${name}=${value}`])),
    async stop() {
      process.off("exit", kill);
      kill();
      await gone;
      await rm(directory, { recursive: true });
    },
  };
}

// environ is this process's environment, with no settings of the broker but these, and with further variables.
function environ(settings, variables) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("BROKER_"));
  const own = Object.entries(settings).map(([name, value]) => [`BROKER_${name}`, typeof value === "string" ? value : JSON.stringify(value)]);
  return { ...Object.fromEntries([...inherited, ...own]), ...variables }; // JSON is YAML
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
