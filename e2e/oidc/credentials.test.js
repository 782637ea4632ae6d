// node-oidc-provider as a login provider: its users get credentials, by REST and by the SDK.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { decodeJwt, importJWK, SignJWT } from "jose";
import { providerARN, role } from "../lib/broker.js";
import { refused } from "../lib/refused.js";
import { logIn } from "./login.js";
import { newKey, startProvider } from "./provider.js";
import { startShop } from "./shop.js";

let provider, shop, key;

before(async () => {
  key = await newKey("first");
  provider = await startProvider(["shop", "another-app"], [key]);
  shop = await startShop(provider);
});
after(async () => {
  await shop?.stop();
  await provider?.stop();
});

test("an ID token of the code flow buys credentials, by REST and by the SDK", async () => {
  const token = await logIn(provider.issuer, "shop", "alice");
  const grant = await shop.rest(token);
  assert.equal(grant.status, 200);
  assert.match(await shop.whoAmI(grant.credentials), /assumed-role\/user\/CognitoIdentityCredentials$/);
  const user = await shop.session(token);
  assert.equal(user.identity, grant.identityId);
  assert.match(user.arn, /assumed-role\/user\/CognitoIdentityCredentials$/);

  const later = await logIn(provider.issuer, "shop", "alice");
  assert.notEqual(later, token);
  assert.equal((await shop.rest(later)).identityId, grant.identityId);
  assert.notEqual((await shop.rest(await logIn(provider.issuer, "shop", "bob"))).identityId, grant.identityId);
});

test("tokens for another app, and forged ones, buy nothing", async () => {
  const other = await logIn(provider.issuer, "another-app", "alice");
  const unsupported = "Invalid login token. Incorrect token audience.";
  await refused(shop.getId(other), cognito.NotAuthorizedException, unsupported);
  const { status, code, detail } = await shop.rest(other);
  assert.deepEqual([status, code, detail], [403, "NotAuthorizedException", unsupported]);

  const claims = decodeJwt(await logIn(provider.issuer, "shop", "mallory"));
  const sign = async (signer, header = {}, changes = {}) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: "RS256", kid: "first", ...header }).sign(await importJWK(signer, "RS256"));
  assert.match(await shop.getId(await sign(key)), /^us-east-1:/); // the provider's own key is good: the forgeries fail by what they change
  const stranger = await newKey("first");
  const unverified = "Invalid login token. Couldn't verify signed token.";
  await refused(shop.getId(await sign(stranger)), cognito.NotAuthorizedException, unverified);
  await refused(shop.getId(await sign(stranger, { kid: "unknown" })), cognito.NotAuthorizedException, unverified);
  await refused(shop.getId(await sign(stranger, { jwk: { kty: "RSA", n: stranger.n, e: stranger.e } })), cognito.NotAuthorizedException, unverified);
  await refused(shop.getId(await sign(key, {}, { exp: claims.iat - 3600 })), cognito.NotAuthorizedException, /^Invalid login token\. Token expired: /);
  await refused(shop.getId(await sign(key, {}, { iss: "http://127.0.0.1:1" })), cognito.NotAuthorizedException,
    "Invalid login token. Issuer doesn't match providerName");
});

test("a claim of the provider chooses the role", async () => {
  const Rules = [{ Claim: "team", MatchType: "Equals", Value: "ops", RoleARN: role("ops") }];
  await shop.admin.setIdentityPoolRoles({
    IdentityPoolId: shop.pool, Roles: { authenticated: role("user") },
    RoleMappings: { [providerARN(provider.loginName)]: { Type: "Rules", AmbiguousRoleResolution: "AuthenticatedRole", RulesConfiguration: { Rules } } },
  });
  const arnOf = async (user) => shop.whoAmI((await shop.rest(await logIn(provider.issuer, "shop", user))).credentials);
  assert.match(await arnOf("olga"), /assumed-role\/ops\//);
  assert.match(await arnOf("alice"), /assumed-role\/user\//);
});
