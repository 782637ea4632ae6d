// Tags of pools, and principal tags: claims that become tags of the session.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { decodeJwt } from "jose";
import { open, poolARN, providerARN } from "../lib/broker.js";
import { refused } from "../lib/refused.js";

export function tags(scene) {
  test("tags are set, listed and taken away", async () => {
    const { admin } = scene;
    const ResourceArn = poolARN(open);
    await admin.tagResource({ ResourceArn, Tags: { team: "sales", stage: "" } });
    await admin.tagResource({ ResourceArn, Tags: { team: "ops" } });
    assert.deepEqual((await admin.listTagsForResource({ ResourceArn })).Tags, { team: "ops", stage: "" });
    assert.deepEqual((await admin.describeIdentityPool({ IdentityPoolId: open })).IdentityPoolTags, { team: "ops", stage: "" });
    await admin.untagResource({ ResourceArn, TagKeys: ["team", "stage", "never"] });
    assert.deepEqual((await admin.listTagsForResource({ ResourceArn })).Tags, {});
    const nobody = poolARN("us-east-1:00000000-0000-4000-8000-00000000000f");
    await refused(admin.listTagsForResource({ ResourceArn: nobody }), cognito.ResourceNotFoundException);
  });

  test("principal tags are mapped, and stand in the token", async () => {
    const { admin, app, broker } = scene;
    const map = { IdentityPoolId: open, IdentityProviderName: providerARN(broker.loginName) };
    const set = await admin.setPrincipalTagAttributeMap({ ...map, UseDefaults: false, PrincipalTags: { department: "team" } });
    assert.deepEqual(set.PrincipalTags, { department: "team" });
    const got = await admin.getPrincipalTagAttributeMap(map);
    assert.deepEqual([got.UseDefaults, got.PrincipalTags], [false, { department: "team" }]);

    const Logins = await scene.logins("tagged", { team: "sales" });
    const { IdentityId } = await app.getId({ IdentityPoolId: open, Logins });
    const { Token } = await app.getOpenIdToken({ IdentityId, Logins });
    assert.deepEqual(decodeJwt(Token)["https://aws.amazon.com/tags"], { principal_tags: { department: ["sales"] } });

    await admin.setPrincipalTagAttributeMap({ ...map, UseDefaults: false, PrincipalTags: {} });
    const after = await app.getOpenIdToken({ IdentityId, Logins });
    assert.equal(decodeJwt(after.Token)["https://aws.amazon.com/tags"], undefined);
  });
}
