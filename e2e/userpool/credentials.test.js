// npm's cognito-local as a user pool: its users get credentials, by REST and by the SDK, and the roles of their groups.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { decodeJwt } from "jose";
import { role } from "../lib/broker.js";
import { refused } from "../lib/refused.js";
import { startPool } from "./pool.js";
import { configured, startScene } from "./scene.js";

const unsupported = "Token is not from a supported provider of this identity pool.";

let userPool, scene;

before(async () => {
  userPool = await startPool({ clients: ["app", "another-app"] });
  const { app } = userPool.clientIDs;
  const byToken = { type: "Token", ambiguous_role_resolution: "AuthenticatedRole" };
  const mappings = { [`${userPool.loginName}:${app}`]: byToken };
  scene = await startScene({ provider: userPool.loginName }, [{ client_id: app }], mappings);
});
after(async () => {
  await scene?.stop();
  await userPool?.stop();
});

// changed is a token with other claims and the signature that it had.
function changed(token, claims) {
  const [header, payload, signature] = token.split(".");
  const other = { ...JSON.parse(Buffer.from(payload, "base64url")), ...claims };
  return [header, Buffer.from(JSON.stringify(other)).toString("base64url"), signature].join(".");
}

test("who signed up and signed in gets credentials, by REST and by the SDK", async () => {
  const sub = await userPool.signUp("alice");
  const { IdToken } = await userPool.signIn("alice");
  const { sub: subject, token_use, aud } = decodeJwt(IdToken);
  assert.deepEqual([subject, token_use, aud], [sub, "id", userPool.clientIDs.app]);
  const grant = await scene.rest(IdToken);
  assert.equal(grant.status, 200);
  const session = await scene.session(IdToken);
  assert.equal(session.identity, grant.identityId);
  assert.match(session.arn, /assumed-role\/user\/CognitoIdentityCredentials$/);

  const later = (await userPool.signIn("alice")).IdToken;
  assert.notEqual(decodeJwt(later).jti, decodeJwt(IdToken).jti);
  assert.equal((await scene.rest(later)).identityId, grant.identityId);
  await userPool.signUp("bob");
  assert.notEqual((await scene.rest((await userPool.signIn("bob")).IdToken)).identityId, grant.identityId);
  const { Logins } = await scene.admin.describeIdentity({ IdentityId: grant.identityId });
  assert.deepEqual(Logins, [userPool.loginName]);
});

test("the classic flow's token says who signed in", async () => {
  const sub = await userPool.signUp("cleo");
  const Logins = scene.logins((await userPool.signIn("cleo")).IdToken);
  const mapped = await scene.app.getId({ IdentityPoolId: configured, Logins });
  await refused(scene.app.getOpenIdToken({ ...mapped, Logins }), cognito.InvalidParameterException,
    "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow.");
  const { IdentityPoolId } = await scene.admin.createIdentityPool({
    IdentityPoolName: "classic", AllowUnauthenticatedIdentities: false, AllowClassicFlow: true,
    CognitoIdentityProviders: [{ ProviderName: userPool.loginName, ClientId: userPool.clientIDs.app }],
  });
  const { IdentityId } = await scene.app.getId({ IdentityPoolId, Logins });
  const { Token } = await scene.app.getOpenIdToken({ IdentityId, Logins });
  const { amr, sub: identity } = decodeJwt(Token);
  assert.equal(identity, IdentityId);
  assert.deepEqual(amr, ["authenticated", userPool.loginName, `${userPool.loginName}:CognitoSignIn:${sub}`]);
});

test("access and refresh tokens, and what the user pool did not sign, buy nothing", async () => {
  await userPool.signUp("mallory");
  const victim = await userPool.signUp("victim");
  const { IdToken, AccessToken, RefreshToken } = await userPool.signIn("mallory");
  assert.match(await scene.getId(IdToken), /^us-east-1:/); // the refusals below are by what they change
  const begin = "Invalid login token. ";
  for (const [token, text] of [
    [AccessToken, "Missing a required claim: aud"],
    [RefreshToken, "Missing a required claim: aud"],
    [changed(IdToken, { sub: victim }), "Couldn't verify signed token."],
    [changed(IdToken, { "cognito:groups": ["ops"] }), "Couldn't verify signed token."],
    [changed(IdToken, { iss: "http://127.0.0.1:1/local_1" }), "Issuer doesn't match providerName"],
    ["mallory", "Not a valid OpenId Connect identity token."],
  ]) {
    await refused(scene.getId(token), cognito.NotAuthorizedException, begin + text);
    const { status, code, detail } = await scene.rest(token);
    assert.deepEqual([status, code, detail], [403, "NotAuthorizedException", begin + text]);
  }
});

test("another app client's tokens, and another user pool's, buy nothing", async () => {
  await userPool.signUp("frank");
  assert.match(await scene.getId((await userPool.signIn("frank")).IdToken), /^us-east-1:/);
  const { IdToken } = await userPool.signIn("frank", "another-app");
  await refused(scene.getId(IdToken), cognito.NotAuthorizedException, unsupported);

  const { UserPool } = await userPool.admin("CreateUserPool", { PoolName: "another" });
  const theirs = { UserPoolId: UserPool.Id };
  const { UserPoolClient } = await userPool.admin("CreateUserPoolClient", { ...theirs, ClientName: "app" });
  const Username = "frank@example.com";
  await userPool.admin("AdminCreateUser", { ...theirs, Username, MessageAction: "SUPPRESS" });
  await userPool.admin("AdminSetUserPassword", { ...theirs, Username, Password: userPool.password, Permanent: true });
  userPool.clientIDs.theirs = UserPoolClient.ClientId;
  const foreign = (await userPool.signIn(Username, "theirs")).IdToken; // cognito-local signs for all with one key
  await refused(scene.getId(foreign), cognito.NotAuthorizedException,
    "Invalid login token. Issuer doesn't match providerName");
  const Logins = { [userPool.loginName.replace(userPool.id, UserPool.Id)]: foreign };
  await refused(scene.app.getId({ IdentityPoolId: configured, Logins }), cognito.NotAuthorizedException, unsupported);
});

test("a group's role is the user's, and of several he names one", async () => {
  for (const user of ["olga", "dora"]) await userPool.signUp(user);
  await userPool.putInto("ops", "olga", role("ops"));
  const olga = (await userPool.signIn("olga")).IdToken;
  assert.deepEqual(decodeJwt(olga)["cognito:groups"], ["ops"]);
  assert.match((await scene.session(olga)).arn, /assumed-role\/ops\//);
  await refused(scene.session(olga, { customRoleArn: role("user") }), cognito.NotAuthorizedException);

  await userPool.putInto("blue", "dora", role("blue"));
  await userPool.putInto("green", "dora", role("green"));
  const dora = (await userPool.signIn("dora")).IdToken;
  assert.match((await scene.session(dora)).arn, /assumed-role\/user\//); // none is preferred
  assert.match((await scene.session(dora, { customRoleArn: role("green") })).arn, /assumed-role\/green\//);
  await refused(scene.session(dora, { customRoleArn: role("ops") }), cognito.NotAuthorizedException);
});

test("rules of a pool that the API made see the groups", async () => {
  const { app } = userPool.clientIDs;
  const { IdentityPoolId: pool } = await scene.admin.createIdentityPool({
    IdentityPoolName: "by the API", AllowUnauthenticatedIdentities: false,
    CognitoIdentityProviders: [{ ProviderName: userPool.loginName, ClientId: app }],
  });
  const Rules = [{ Claim: "cognito:groups", MatchType: "Contains", Value: "staff", RoleARN: role("staff") }];
  await scene.admin.setIdentityPoolRoles({
    IdentityPoolId: pool, Roles: { authenticated: role("user") },
    RoleMappings: { [`${userPool.loginName}:${app}`]: {
      Type: "Rules", AmbiguousRoleResolution: "Deny", RulesConfiguration: { Rules },
    } },
  });
  for (const user of ["sam", "tim"]) await userPool.signUp(user);
  await userPool.putInto("staff", "sam"); // a group without a role
  assert.match((await scene.session((await userPool.signIn("sam")).IdToken, { pool })).arn, /assumed-role\/staff\//);
  const tim = (await userPool.signIn("tim")).IdToken;
  await refused(scene.session(tim, { pool }), cognito.NotAuthorizedException,
    /^The ambiguous role mapping rules for: .* denied this request\.$/);
});

test("a user pool may have another name than its issuer, and another address", async () => {
  const provider = `emulator.example:9229/${userPool.id}`;
  const { endpoint, id, clientIDs } = userPool;
  const issuer = `${endpoint}/${id}`;
  await userPool.signUp("nina");
  const { IdToken } = await userPool.signIn("nina");
  const getId = async (settings) => {
    const other = await startScene({ provider, endpoint, ...settings }, [{ client_id: clientIDs.app }]);
    try {
      return await other.getId(IdToken);
    } finally {
      await other.stop();
    }
  };
  assert.match(await getId({ issuer }), /^us-east-1:/);
  await refused(getId({}), cognito.NotAuthorizedException, "Invalid login token. Issuer doesn't match providerName");
});
