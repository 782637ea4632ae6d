// Identities: guests and users, their upgrade, unlinking, listing and deletion; and the refusals by which SDKs recover.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { admin as administrator, closed, open } from "../lib/broker.js";
import { refused } from "../lib/refused.js";

const nobody = "us-east-1:00000000-0000-4000-8000-00000000000f";

export function identities(scene) {
  test("a guest signs in and keeps his identity", async () => {
    const { app, admin, broker } = scene;
    const { IdentityId } = await app.getId({ IdentityPoolId: open });
    const guest = await app.getCredentialsForIdentity({ IdentityId });
    assert.equal(guest.IdentityId, IdentityId);
    assert.match(await scene.whoAmI(guest.Credentials), /assumed-role\/guest\/CognitoIdentityCredentials$/);
    const made = await admin.describeIdentity({ IdentityId });
    assert.equal(made.Logins, undefined);
    assert.ok(made.CreationDate instanceof Date && Math.abs(Date.now() - made.CreationDate) < 60_000, "no date of today");

    const Logins = await scene.logins("upgraded");
    const user = await app.getCredentialsForIdentity({ IdentityId, Logins });
    assert.match(await scene.whoAmI(user.Credentials), /assumed-role\/user\/CognitoIdentityCredentials$/);
    const left = user.Credentials.Expiration - Date.now();
    assert.ok(left > 59 * 60_000 && left <= 60 * 60_000, `got ${left} ms of life, want an hour`);
    assert.deepEqual((await admin.describeIdentity({ IdentityId })).Logins, [broker.loginName]);
    assert.equal((await app.getId({ IdentityPoolId: open, Logins })).IdentityId, IdentityId);
    await refused(app.getCredentialsForIdentity({ IdentityId }), cognito.NotAuthorizedException, `Access to Identity '${IdentityId}' is forbidden.`);
    await refused(app.getCredentialsForIdentity({ IdentityId, Logins: await scene.logins("stranger") }), cognito.NotAuthorizedException,
      "Logins don't match. Please include at least one valid login for this identity or identity pool.");
  });

  test("an unlinked login buys nothing more", async () => {
    const { app, admin, broker } = scene;
    const Logins = await scene.logins("unlinked");
    const { IdentityId } = await app.getId({ IdentityPoolId: open, Logins });
    await app.getCredentialsForIdentity({ IdentityId, Logins });
    await app.unlinkIdentity({ IdentityId, Logins, LoginsToRemove: [broker.loginName] });
    assert.equal((await admin.describeIdentity({ IdentityId })).Logins, undefined);
    await refused(app.getCredentialsForIdentity({ IdentityId, Logins }), cognito.NotAuthorizedException, `Access to Identity '${IdentityId}' is forbidden.`);
    assert.notEqual((await app.getId({ IdentityPoolId: open, Logins })).IdentityId, IdentityId);
  });

  test("identities are listed in pages and deleted", async () => {
    const { app, admin } = scene;
    const users = await Promise.all(["a", "b", "c"].map((name) => scene.logins(`listed-${name}`)));
    const made = await Promise.all(users.map((Logins) => app.getId({ IdentityPoolId: closed, Logins })));
    const want = made.map(({ IdentityId }) => IdentityId).sort();
    const found = [];
    for (let NextToken; ;) {
      const page = await admin.listIdentities({ IdentityPoolId: closed, MaxResults: 2, NextToken });
      assert.ok(page.Identities.length <= 2, "a page of 2 holds more");
      found.push(...page.Identities.map(({ IdentityId }) => IdentityId));
      if (!(NextToken = page.NextToken)) break;
    }
    assert.deepEqual(found.sort(), want);

    const [IdentityId] = want;
    const Logins = users[made.findIndex((m) => m.IdentityId === IdentityId)];
    await app.unlinkIdentity({ IdentityId, Logins, LoginsToRemove: Object.keys(Logins) }); // disabled
    const shown = await admin.listIdentities({ IdentityPoolId: closed, MaxResults: 60, HideDisabled: true });
    assert.deepEqual(shown.Identities.map((i) => i.IdentityId).sort(), want.slice(1));

    assert.deepEqual((await admin.deleteIdentities({ IdentityIdsToDelete: want })).UnprocessedIdentityIds ?? [], []);
    assert.deepEqual((await admin.listIdentities({ IdentityPoolId: closed, MaxResults: 60 })).Identities, []);
    await refused(app.getCredentialsForIdentity({ IdentityId, Logins }), cognito.ResourceNotFoundException, `Identity '${IdentityId}' not found.`);
  });

  test("refusals have the service's names and texts", async () => {
    const { app, admin, broker } = scene;
    await refused(app.getOpenIdToken({ IdentityId: nobody }), cognito.ResourceNotFoundException, `Identity '${nobody}' not found.`);
    await refused(admin.describeIdentity({ IdentityId: nobody }), cognito.ResourceNotFoundException, `Identity '${nobody}' not found.`);
    await refused(app.getCredentialsForIdentity({ IdentityId: "Nobody" }), "ValidationException",
      /^1 validation error detected: Value 'Nobody' at 'identityId' failed to satisfy constraint: Member must satisfy regular expression pattern: /);
    const bad = (token) => app.getId({ IdentityPoolId: open, Logins: { [broker.loginName]: token } });
    await refused(bad("no token"), cognito.NotAuthorizedException, "Invalid login token. Not a valid OpenId Connect identity token.");
    const token = await broker.idToken("forged");
    const forged = token.slice(0, -8) + (token.endsWith("AAAAAAAA") ? "BBBBBBBB" : "AAAAAAAA");
    await refused(bad(forged), cognito.NotAuthorizedException, "Invalid login token. Couldn't verify signed token.");
    await refused(app.getId({ IdentityPoolId: open, Logins: { "idp.example": token } }), cognito.NotAuthorizedException,
      "Invalid login token. Issuer doesn't match providerName");

    const stranger = scene.client({ accessKeyId: "AKIDOFNOBODYATALL000", secretAccessKey: "x" });
    await refused(stranger.listIdentityPools({ MaxResults: 1 }), "UnrecognizedClientException");
    const forger = scene.client({ ...administrator, secretAccessKey: "x" });
    await refused(forger.listIdentityPools({ MaxResults: 1 }), "InvalidSignatureException");
  });
}
