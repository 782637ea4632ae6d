// npm's cognito-local as a Cognito user pool: a process of its own, with its store in a folder of its own.
import { spawn } from "node:child_process";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freeAddress } from "../lib/broker.js";
import { startLambda } from "./lambda.js";

const binary = createRequire(import.meta.url).resolve("cognito-local/lib/bin/start.js");
const startTimeout = 30_000;
const code = "123456"; // that confirms a sign-up
const password = "Password-1!";

// startPool serves a user pool with these app clients, by name, at a host that is the loopback and that tokens name.
export async function startPool({ host = "127.0.0.1", clients = ["app"] } = {}) {
  const directory = await mkdtemp(join(tmpdir(), "user-pool-"));
  const port = (await freeAddress()).split(":")[1];
  const lambda = await startLambda();
  await mkdir(join(directory, ".cognito"));
  await writeFile(join(directory, ".cognito", "config.json"), JSON.stringify(lambda.configuration));
  const env = { ...process.env, HOST: host, PORT: port, CODE: code };
  const child = spawn(process.execPath, [binary], { cwd: directory, env, stdio: "ignore" });
  const gone = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  const kill = () => child.kill();
  process.once("exit", kill);
  const end = async () => {
    process.off("exit", kill);
    kill();
    await gone;
  };
  const endpoint = `http://${host}:${port}`;
  await answers(`${endpoint}/health`);
  const call = (operation, input) => ask(endpoint, operation, input);

  const { UserPool } = await call("CreateUserPool", { PoolName: "e2e" });
  const id = UserPool.Id;
  const clientIDs = {};
  for (const ClientName of clients) {
    const { UserPoolClient } = await call("CreateUserPoolClient", { UserPoolId: id, ClientName });
    clientIDs[ClientName] = UserPoolClient.ClientId;
  }
  return {
    id, endpoint, clientIDs, code, password,
    loginName: `${host}:${port}/${id}`, // the key in Logins
    // admin makes a call that an administrator of the pool makes: of a user, say.
    admin: (operation, input = {}) => call(operation, { UserPoolId: id, ...input }),
    // signUp makes a user, who confirms what he was sent. It returns his sub.
    async signUp(Username, client = "app") {
      const { UserSub } = await call("SignUp", {
        ClientId: clientIDs[client], Username, Password: password,
        UserAttributes: [{ Name: "email", Value: `${Username}@example.com` }],
      });
      await call("ConfirmSignUp", { ClientId: clientIDs[client], Username, ConfirmationCode: code });
      return UserSub;
    },
    // signIn returns the tokens of a user.
    async signIn(USERNAME, client = "app") {
      const { AuthenticationResult } = await call("InitiateAuth", {
        AuthFlow: "USER_PASSWORD_AUTH", ClientId: clientIDs[client], AuthParameters: { USERNAME, PASSWORD: password },
      });
      return AuthenticationResult;
    },
    // putInto puts a user into a group, which is made. The group's role stands in his tokens from then on.
    async putInto(GroupName, Username, RoleArn = undefined) {
      await call("CreateGroup", { UserPoolId: id, GroupName, RoleArn });
      await call("AdminAddUserToGroup", { UserPoolId: id, GroupName, Username });
      if (RoleArn) lambda.give(Username, RoleArn);
    },
    // end ends the server. What it keeps goes with stop.
    end,
    async stop() {
      await end();
      await lambda.stop();
      await rm(directory, { recursive: true });
    },
  };
}

async function ask(endpoint, operation, input) {
  const answer = await fetch(endpoint, {
    method: "POST", body: JSON.stringify(input),
    headers: {
      "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
    },
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${operation}: ${body.__type}: ${body.message}`);
  return body;
}

async function answers(url) {
  const deadline = Date.now() + startTimeout;
  while (!(await fetch(url).catch(() => undefined))?.ok) {
    if (Date.now() > deadline) throw new Error("cognito-local did not come up");
    await pause(50);
  }
}
