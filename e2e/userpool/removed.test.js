// ServerSideTokenCheck, with cognito-local as the user pool that is asked: a token lives on, its user does not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { refused } from "../lib/refused.js";
import { startPool } from "./pool.js";
import { configured, startScene } from "./scene.js";

const gone = "Invalid login token. The user does not exist or is disabled.";
const patience = 90_000; // what is cached counts for a minute after the user pool was asked

let userPool, scene;

before(async () => {
  userPool = await startPool({ clients: ["checked", "unchecked"] });
  const { checked, unchecked } = userPool.clientIDs;
  const entries = [{ client_id: checked, server_side_token_check: true }, { client_id: unchecked }];
  scene = await startScene({ provider: userPool.loginName, admin_get_user: true }, entries);
});
after(async () => {
  await scene?.stop();
  await userPool?.stop();
});

const tokenOf = async (user, client = "checked") => (await userPool.signIn(user, client)).IdToken;

test("a disabled user is refused, until he is enabled again", async () => {
  await userPool.signUp("alice", "checked");
  const token = await tokenOf("alice");
  await userPool.admin("AdminDisableUser", { Username: "alice" });
  await refused(scene.getId(token), cognito.NotAuthorizedException, gone);
  const { status, code, detail } = await scene.rest(token);
  assert.deepEqual([status, code, detail], [403, "NotAuthorizedException", gone]);
  const unchecked = await scene.rest(await tokenOf("alice", "unchecked"));
  assert.equal(unchecked.status, 200); // its entry does not ask

  await userPool.admin("AdminEnableUser", { Username: "alice" });
  const again = await until(() => scene.rest(token), (answer) => answer.status === 200);
  assert.equal(again.identityId, unchecked.identityId);
});

test("a user who has credentials gets no more of them once he is deleted", async () => {
  await userPool.signUp("bob", "checked");
  const token = await tokenOf("bob");
  const Logins = scene.logins(token);
  const { identityId: IdentityId, status } = await scene.rest(token);
  assert.equal(status, 200);
  await userPool.admin("AdminDeleteUser", { Username: "bob" });
  const { detail } = await until(() => scene.rest(token), (answer) => answer.status !== 200);
  assert.equal(detail, gone);
  for (const call of [
    () => scene.app.getId({ IdentityPoolId: configured, Logins }),
    () => scene.app.getCredentialsForIdentity({ IdentityId, Logins }),
    () => scene.app.getOpenIdToken({ IdentityId, Logins }),
  ]) await refused(call(), cognito.NotAuthorizedException, gone);

  await userPool.signUp("bob", "checked"); // somebody else of that name
  await refused(scene.getId(token), cognito.NotAuthorizedException, gone);
  assert.notEqual(await scene.getId(await tokenOf("bob")), IdentityId);
});

test("a user pool that cannot be asked lets in nobody whom it should be asked about", async () => {
  for (const client of ["checked", "unchecked"]) await userPool.signUp(`carol of ${client}`, client);
  const [checked, unchecked] = [await tokenOf("carol of checked"), await tokenOf("carol of unchecked", "unchecked")];
  await userPool.end();
  await refused(scene.getId(checked), cognito.ExternalServiceException,
    "The login provider cannot be reached. Try again later.");
  assert.equal((await scene.rest(unchecked)).status, 200); // the keys are known
});

// until makes a call again and again, until its answer is good, and returns that.
async function until(call, good) {
  const deadline = Date.now() + patience;
  for (;;) {
    const answer = await call();
    if (good(answer)) return answer;
    assert.ok(Date.now() < deadline, `still status ${answer.status}`);
    await pause(500);
  }
}
