// Developer identities: a backend's own users, looked up, merged and unlinked.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { decodeJwt } from "jose";
import { bare, developerProvider, open } from "../lib/broker.js";
import { refused } from "../lib/refused.js";

const cognitoLogin = "cognito-identity.amazonaws.com";

export function developers(scene) {
  const IdentityPoolId = open;
  const tokenFor = (user, rest = {}) =>
    scene.backend.getOpenIdTokenForDeveloperIdentity({ IdentityPoolId, Logins: { [developerProvider]: user, ...rest.Logins }, ...rest.members });

  test("a backend's token buys its user credentials", async () => {
    const { IdentityId, Token } = await tokenFor("backend-user", { members: { TokenDuration: 60, PrincipalTags: { tier: "gold" } } });
    const claims = decodeJwt(Token);
    assert.deepEqual([claims.sub, claims.aud, claims.exp - claims.iat], [IdentityId, open, 60]);
    assert.deepEqual(claims.amr, ["authenticated", developerProvider, `${developerProvider}:${open}:backend-user`]);
    assert.deepEqual(claims["https://aws.amazon.com/tags"], { principal_tags: { tier: ["gold"] } });
    const answer = await scene.app.getCredentialsForIdentity({ IdentityId, Logins: { [cognitoLogin]: Token } });
    assert.match(await scene.whoAmI(answer.Credentials), /assumed-role\/user\/CognitoIdentityCredentials$/);
    assert.equal((await tokenFor("backend-user")).IdentityId, IdentityId);
    const other = await tokenFor("another-user");
    await refused(scene.app.getCredentialsForIdentity({ IdentityId, Logins: { [cognitoLogin]: other.Token } }), cognito.NotAuthorizedException);
    await refused(tokenFor("backend-user", { members: { IdentityId: other.IdentityId } }), cognito.DeveloperUserAlreadyRegisteredException);
  });

  test("users are looked up in three ways, in pages", async () => {
    const { backend } = scene;
    const { IdentityId } = await tokenFor("page-1");
    for (const user of ["page-2", "page-3"]) {
      await tokenFor(user);
      await backend.mergeDeveloperIdentities({ IdentityPoolId, DeveloperProviderName: developerProvider, SourceUserIdentifier: user, DestinationUserIdentifier: "page-1" });
    }
    const found = [];
    for (let NextToken; ;) {
      const page = await backend.lookupDeveloperIdentity({ IdentityPoolId, IdentityId, MaxResults: 1, NextToken });
      assert.equal(page.IdentityId, IdentityId);
      found.push(...page.DeveloperUserIdentifierList);
      if (!(NextToken = page.NextToken)) break;
    }
    assert.deepEqual(found.sort(), ["page-1", "page-2", "page-3"]);
    for (const ask of [{ DeveloperUserIdentifier: "page-2" }, { DeveloperUserIdentifier: "page-2", IdentityId }]) {
      const one = await backend.lookupDeveloperIdentity({ IdentityPoolId, ...ask });
      assert.deepEqual([one.IdentityId, one.DeveloperUserIdentifierList], [IdentityId, ["page-2"]]);
    }
    await refused(backend.lookupDeveloperIdentity({ IdentityPoolId, DeveloperUserIdentifier: "nobody" }), cognito.ResourceNotFoundException);
    await refused(backend.lookupDeveloperIdentity({ IdentityPoolId, IdentityId, DeveloperUserIdentifier: "nobody" }), cognito.ResourceConflictException);
    await refused(backend.lookupDeveloperIdentity({ IdentityPoolId }), cognito.InvalidParameterException);
  });

  test("of two merged users the destination survives", async () => {
    const { backend, app } = scene;
    const [source, destination] = [await tokenFor("from"), await tokenFor("to")];
    const merge = { IdentityPoolId, DeveloperProviderName: developerProvider, SourceUserIdentifier: "from", DestinationUserIdentifier: "to" };
    assert.equal((await backend.mergeDeveloperIdentities(merge)).IdentityId, destination.IdentityId);
    assert.equal((await tokenFor("from")).IdentityId, destination.IdentityId);
    await refused(app.getOpenIdToken({ IdentityId: source.IdentityId }), cognito.NotAuthorizedException, `Access to Identity '${source.IdentityId}' is forbidden.`);
    await refused(backend.mergeDeveloperIdentities({ ...merge, SourceUserIdentifier: "nobody" }), cognito.ResourceNotFoundException);
  });

  test("two users of one provider are never brought together", async () => {
    const ids = [];
    for (const user of ["left", "right"]) ids.push((await tokenFor(user, { Logins: await scene.logins(`public-${user}`) })).IdentityId);
    assert.notEqual(ids[0], ids[1]);
    const merge = { IdentityPoolId, DeveloperProviderName: developerProvider, SourceUserIdentifier: "left", DestinationUserIdentifier: "right" };
    await refused(scene.backend.mergeDeveloperIdentities(merge), cognito.ResourceConflictException, "Logins are already linked to another account.");
    await refused(tokenFor("left", { Logins: await scene.logins("public-right") }), cognito.ResourceConflictException, "Logins are already linked to another account.");
    assert.equal((await tokenFor("left")).IdentityId, ids[0]);
  });

  test("an unlinked user is a new one", async () => {
    const { IdentityId, Token } = await tokenFor("leaver");
    const link = { IdentityPoolId, IdentityId, DeveloperProviderName: developerProvider, DeveloperUserIdentifier: "leaver" };
    await scene.backend.unlinkDeveloperIdentity(link);
    await refused(scene.app.getCredentialsForIdentity({ IdentityId, Logins: { [cognitoLogin]: Token } }), cognito.NotAuthorizedException);
    assert.notEqual((await tokenFor("leaver")).IdentityId, IdentityId);
    await refused(scene.backend.unlinkDeveloperIdentity(link), cognito.ResourceConflictException);
    const stray = { IdentityPoolId: bare, Logins: { "stray.example": "x" } };
    await refused(scene.backend.getOpenIdTokenForDeveloperIdentity(stray), cognito.InvalidParameterException,
      "This identity pool does not support the specified developer provider");
  });
}
