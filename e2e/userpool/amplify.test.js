// Amplify v6, as it is, with a user pool of cognito-local, against the configuration of `make run` and what
// docs/logins.md adds to it.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { Amplify } from "aws-amplify";
import { confirmSignUp, fetchAuthSession, signIn, signOut, signUp } from "aws-amplify/auth";
import { startBroker } from "../lib/broker.js";
import { clientsOf } from "../lib/clients.js";
import { refused } from "../lib/refused.js";
import { app, configuration } from "./documented.js";
import { startFront } from "./front.js";
import { startPool } from "./pool.js";

const amplifyKeeps = 50 * 60_000; // credentials, whatever their expiration says

let userPool, broker, clients, folder, documented, front;

before(async () => {
  userPool = await startPool({ host: "localhost", clients: ["app", "another-app"] }); // its own default
  const names = { host: userPool.loginName.split("/")[0], pool: userPool.id, client: userPool.clientIDs.app };
  folder = await mkdtemp(join(tmpdir(), "amplify-"));
  const file = join(folder, "broker.yaml");
  await writeFile(file, await configuration(names));
  broker = await startBroker({ LOG__LEVEL: "error" }, { file });
  clients = clientsOf(broker);
  documented = await app({ ...names, broker: new URL(broker.url).host });
  documented.configure(Amplify);
  front = await startFront(userPool.endpoint);
});
after(async () => {
  await front?.stop();
  await broker?.stop();
  await userPool?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const signInAs = (username) => documented.signIn(signIn, fetchAuthSession, username, userPool.password);

// register signs somebody up, as an app does.
async function register(username) {
  const { nextStep } = await signUp({
    username, password: userPool.password, options: { userAttributes: { email: `${username}@example.com` } },
  });
  assert.equal(nextStep.signUpStep, "CONFIRM_SIGN_UP");
  assert.ok((await confirmSignUp({ username, confirmationCode: userPool.code })).isSignUpComplete);
}

// holds asks that a session has credentials of a role, and for longer than Amplify keeps them.
async function holds(session, name) {
  assert.match(await clients.whoAmI(session.credentials), new RegExp(`:assumed-role/${name}/`));
  const left = session.credentials.expiration - Date.now();
  assert.ok(left > amplifyKeeps, `Amplify keeps credentials for 50 minutes, and these live ${left / 60_000} more`);
}

const same = (one, other) => one.credentials.accessKeyId === other.credentials.accessKeyId;

const asGuest = (IdentityId) => clients.app.getCredentialsForIdentity({ IdentityId });

let alices; // her identity

test("a guest who signs in keeps her identity", async () => {
  const guest = await fetchAuthSession();
  assert.equal(guest.tokens, undefined);
  await holds(guest, "demo-unauth");
  assert.equal((await asGuest(guest.identityId)).IdentityId, guest.identityId);

  await register("alice");
  const user = await signInAs("alice");
  assert.equal(user.identityId, guest.identityId);
  assert.equal(user.tokens.idToken.payload["cognito:username"], "alice");
  await holds(user, "demo-auth");
  alices = user.identityId;
  await refused(asGuest(alices), cognito.NotAuthorizedException, `Access to Identity '${alices}' is forbidden.`);
  assert.ok(same(await fetchAuthSession(), user), "Amplify asked again");
});

test("fresh tokens are the same user, and the broker has the credentials", async () => {
  const before = await fetchAuthSession();
  const { Cognito } = Amplify.getConfig().Auth;
  Amplify.configure({ Auth: { Cognito: { ...Cognito, userPoolEndpoint: front.endpoint } } });
  const fresh = await fetchAuthSession({ forceRefresh: true });
  assert.equal(front.refreshed, 1);
  assert.notEqual(fresh.tokens.idToken.payload.jti, before.tokens.idToken.payload.jti);
  assert.deepEqual([fresh.identityId, fresh.userSub], [alices, before.userSub]);
  assert.ok(same(fresh, before), "the broker asked again");
  await holds(fresh, "demo-auth");
  documented.configure(Amplify);
});

test("who signs out is a new guest, and who comes back is who she was", async () => {
  await signOut();
  const guest = await fetchAuthSession();
  assert.equal(guest.tokens, undefined);
  assert.notEqual(guest.identityId, alices);
  await holds(guest, "demo-unauth");

  const back = await signInAs("alice"); // Amplify asks with the guest's id, and goes on with the one in the answer
  assert.equal(back.identityId, alices);
  await holds(back, "demo-auth");
  assert.equal((await fetchAuthSession({ forceRefresh: false })).identityId, alices);
  await refused(asGuest(guest.identityId), cognito.NotAuthorizedException,
    `Access to Identity '${guest.identityId}' is forbidden.`);
});

test("another user is another identity", async () => {
  await signOut();
  await register("bob");
  const bob = await signInAs("bob");
  assert.notEqual(bob.identityId, alices);
  await holds(bob, "demo-auth");
});

test("an app client that the pool has no entry for gets nothing", async () => {
  await signOut();
  const { Cognito } = Amplify.getConfig().Auth;
  Amplify.configure({ Auth: { Cognito: { ...Cognito, userPoolClientId: userPool.clientIDs["another-app"] } } });
  await refused(signInAs("alice"), "NotAuthorizedException",
    "Token is not from a supported provider of this identity pool.");
  await signOut();
  documented.configure(Amplify);
});
