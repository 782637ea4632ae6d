// Google's logins, by node-oidc-provider behind https as accounts.google.com.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { decodeJwt } from "jose";
import { newKey } from "../oidc/provider.js";
import { refused } from "../lib/refused.js";
import { startInternet } from "./internet.js";
import { startGoogle } from "./provider.js";
import { sign, startScene } from "./scene.js";

const provider = "accounts.google.com";
const client = (name) => `1234-${name}.apps.googleusercontent.com`;
const [web, android, ios, another] = ["web", "android", "ios", "another"].map(client);
const unsupported = "Token is not from a supported provider of this identity pool.";
const audience = "Invalid login token. Incorrect token audience.";

let internet, google, scene;

before(async () => {
  internet = await startInternet();
  google = await startGoogle(internet, [web, ios, another], android);
  scene = await startScene(internet, "google", provider, [web, android, ios]);
});
after(async () => {
  await scene?.stop();
  await internet?.stop();
});

const idToken = async (user, from = web, scope = undefined) => (await google.tokens(user, from, scope)).id_token;
const onAndroid = (user) => idToken(user, web, "openid android");

test("a token buys credentials, by REST and by the SDK, where the pool has the app's id", async () => {
  const pool = await scene.pool(scene.lists.app(web));
  const token = await idToken("alice");
  const { iss, aud, azp, sub } = decodeJwt(token);
  assert.deepEqual([iss, aud, azp, sub], ["https://accounts.google.com", web, web, "alice"]);
  google.asked.length = 0;
  const grant = await scene.rest(pool, token);
  assert.deepEqual(google.asked, ["/.well-known/openid-configuration", "/jwks"]); // once
  assert.equal(grant.status, 200);
  const session = await scene.session(pool, token);
  assert.equal(session.identity, grant.identityId);
  assert.match(session.arn, /assumed-role\/user\//);
  assert.equal(await scene.identity(pool, await idToken("alice")), grant.identityId);
  assert.notEqual(await scene.identity(pool, await idToken("bob")), grant.identityId);
  assert.deepEqual((await scene.admin.describeIdentity({ IdentityId: grant.identityId })).Logins, [provider]);
  assert.deepEqual(await scene.amr(pool, token), ["authenticated", provider, `${provider}:${web}:alice`]);

  const short = await sign({ ...decodeJwt(token), iss: provider }, google.keys[0]); // Google's other issuer
  assert.equal(await scene.identity(pool, short), grant.identityId);
});

test("by an app's id only the tokens of that app are taken: azp counts before aud", async () => {
  const pool = await scene.pool(scene.lists.app(web));
  const token = await onAndroid("carol");
  const { aud, azp } = decodeJwt(token);
  assert.deepEqual([aud, azp], [web, android]);
  for (const other of [token, await idToken("carol", ios), await idToken("carol", another)]) {
    await refused(scene.identity(pool, other), cognito.NotAuthorizedException, unsupported);
  }
  const ofAndroid = await scene.pool(scene.lists.app(android));
  assert.match(await scene.identity(ofAndroid, token), /^us-east-1:/);
  await refused(scene.identity(ofAndroid, await idToken("carol")), cognito.NotAuthorizedException, unsupported);
});

test("both ways to name Google are one login, and where there are both the ARN counts", async () => {
  const pool = await scene.pool(scene.lists.app(web));
  const token = await idToken("dave");
  const id = await scene.identity(pool, token);
  for (const naming of [scene.lists.arn, { ...scene.lists.app(another), ...scene.lists.arn }]) {
    await scene.rename(pool, naming);
    for (const one of [token, await idToken("dave"), await idToken("dave", ios), await onAndroid("dave")]) {
      assert.equal(await scene.identity(pool, one), id);
    }
    assert.deepEqual(await scene.amr(pool, token), ["authenticated", provider, `${scene.arn}:OIDC:dave`]);
    await refused(scene.identity(pool, await idToken("dave", another)), cognito.NotAuthorizedException, audience);
    assert.notEqual(await scene.identity(pool, await idToken("erin")), id);
  }
  await scene.rename(pool, scene.lists.app(ios));
  assert.equal(await scene.identity(pool, await idToken("dave", ios)), id);
  await refused(scene.identity(pool, token), cognito.NotAuthorizedException, unsupported);
});

test("access tokens, and what Google did not sign, buy nothing", async () => {
  const pool = await scene.pool(scene.lists.app(web));
  const { id_token, access_token } = await google.tokens("mallory", web);
  const claims = decodeJwt(id_token);
  assert.match(await scene.identity(pool, await sign(claims, google.keys[1])), /^us-east-1:/); // either key is good
  const begin = "Invalid login token. ";
  for (const [token, text] of [
    [access_token, "Not a valid OpenId Connect identity token."],
    [await sign(claims, await newKey("first")), "Couldn't verify signed token."],
    [await sign(claims, google.keys[0], "unknown"), "Couldn't verify signed token."],
    ...await Promise.all(["https://appleid.apple.com", `https://${provider}/`, `http://${provider}`].map(async (iss) =>
      [await sign({ ...claims, iss }, google.keys[0]), "Issuer doesn't match providerName"])),
    [await sign({ ...claims, exp: claims.iat - 3600 }, google.keys[0]), /^Invalid login token\. Token expired: /],
  ]) await refused(scene.identity(pool, token), cognito.NotAuthorizedException, text.test ? text : begin + text);
});

test("whose certificate nobody vouches for is not asked for keys", async () => {
  const online = await scene.run("check", "-online");
  assert.match(online, /accounts\.google\.com.*2 usable keys/);
  const stranger = await startInternet();
  const other = await startScene({ ...internet, authority: stranger.authority }, "google", provider, [web]);
  try {
    const pool = await other.pool(other.lists.app(web));
    await refused(other.identity(pool, await idToken("frank")), cognito.ExternalServiceException,
      "The login provider cannot be reached. Try again later.");
  } finally {
    await other.stop();
    await stranger.stop();
  }
});
