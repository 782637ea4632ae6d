// Apple's logins, by node-oidc-provider behind https as appleid.apple.com.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { decodeJwt } from "jose";
import { newKey } from "../oidc/provider.js";
import { refused } from "../lib/refused.js";
import { startInternet } from "./internet.js";
import { startApple } from "./provider.js";
import { sign, startScene } from "./scene.js";

const provider = "appleid.apple.com";
const [bundle, service, another] = ["com.example.app", "com.example.web", "com.example.another"];
const unsupported = "Token is not from a supported provider of this identity pool.";

let internet, apple, scene;

before(async () => {
  internet = await startInternet();
  apple = await startApple(internet, [bundle, service, another]);
  scene = await startScene(internet, "apple", provider, [bundle, service]);
});
after(async () => {
  await scene?.stop();
  await internet?.stop();
});

const idToken = async (user, from = bundle) => (await apple.tokens(user, from)).id_token;

test("an app's token buys credentials, by REST and by the SDK, where the pool has its bundle id", async () => {
  const pool = await scene.pool(scene.lists.app(bundle));
  const token = await idToken("alice");
  const { iss, aud, azp, exp, iat, email_verified } = decodeJwt(token);
  assert.deepEqual([iss, aud, azp], ["https://appleid.apple.com", bundle, undefined]);
  assert.deepEqual([exp - iat, email_verified], [600, "true"]);
  apple.asked.length = 0;
  const grant = await scene.rest(pool, token);
  assert.equal(grant.status, 200);
  assert.deepEqual(apple.asked, ["/auth/keys"]); // once, where they are known to be
  const session = await scene.session(pool, token);
  assert.equal(session.identity, grant.identityId);
  assert.match(session.arn, /assumed-role\/user\//);
  assert.notEqual(await scene.identity(pool, await idToken("bob")), grant.identityId);
  assert.equal(await scene.identity(pool, await sign(decodeJwt(token), apple.keys[1])), grant.identityId);
  assert.deepEqual((await scene.admin.describeIdentity({ IdentityId: grant.identityId })).Logins, [provider]);
  assert.deepEqual(await scene.amr(pool, token), ["authenticated", provider, `${provider}:${bundle}:alice`]);
});

test("the web's token names the Services ID, and an app's id is not that", async () => {
  const pool = await scene.pool(scene.lists.app(bundle));
  await refused(scene.identity(pool, await idToken("carol", service)), cognito.NotAuthorizedException, unsupported);
  const web = await scene.pool(scene.lists.app(service));
  assert.match(await scene.identity(web, await idToken("carol", service)), /^us-east-1:/);
  await refused(scene.identity(web, await idToken("carol")), cognito.NotAuthorizedException, unsupported);
});

test("by its ARN both are taken, and a user of both is one identity", async () => {
  const pool = await scene.pool(scene.lists.app(bundle));
  const token = await idToken("dave");
  const id = await scene.identity(pool, token);
  for (const naming of [scene.lists.arn, { ...scene.lists.app(another), ...scene.lists.arn }]) {
    await scene.rename(pool, naming);
    for (const one of [token, await idToken("dave", service)]) assert.equal(await scene.identity(pool, one), id);
    assert.deepEqual(await scene.amr(pool, token), ["authenticated", provider, `${scene.arn}:OIDC:dave`]);
    await refused(scene.identity(pool, await idToken("dave", another)), cognito.NotAuthorizedException,
      "Invalid login token. Incorrect token audience.");
  }
});

test("what Apple did not sign, or not for this, buys nothing", async () => {
  const pool = await scene.pool(scene.lists.app(bundle));
  const { id_token, access_token } = await apple.tokens("mallory", bundle);
  const claims = decodeJwt(id_token);
  const begin = "Invalid login token. ";
  for (const [token, text] of [
    [access_token, "Not a valid OpenId Connect identity token."],
    [await sign(claims, await newKey("first")), "Couldn't verify signed token."],
    [await sign({ ...claims, iss: "appleid.apple.com" }, apple.keys[0]), "Issuer doesn't match providerName"],
    [await sign({ ...claims, iss: "https://accounts.google.com" }, apple.keys[0]), "Issuer doesn't match providerName"],
    [await sign({ ...claims, exp: claims.iat - 601 }, apple.keys[0]), /^Invalid login token\. Token expired: /],
    [await sign({ ...claims, events: "{}" }, apple.keys[0]), "Not a valid OpenId Connect identity token."],
  ]) await refused(scene.identity(pool, token), cognito.NotAuthorizedException, text.test ? text : begin + text);
  assert.match(await scene.identity(pool, await sign(claims, apple.keys[0])), /^us-east-1:/);
});
