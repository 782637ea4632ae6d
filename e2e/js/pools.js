// Identity pools: made, shown, listed, replaced, given roles, deleted.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { bare, closed, developerProvider, open, providerARN, region, role } from "../lib/broker.js";
import { refused } from "../lib/refused.js";

// A pool with every member that its configuration has.
const everything = (loginName) => ({
  IdentityPoolName: "everything",
  AllowUnauthenticatedIdentities: true,
  AllowClassicFlow: false,
  SupportedLoginProviders: { "graph.facebook.com": "1234" },
  DeveloperProviderName: developerProvider,
  OpenIdConnectProviderARNs: [providerARN(loginName)],
  CognitoIdentityProviders: [{ ProviderName: "cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc", ClientId: "one", ServerSideTokenCheck: true }],
  SamlProviderARNs: ["arn:aws:iam::000000000000:saml-provider/office"],
  IdentityPoolTags: { team: "sales" },
});

const plain = ({ $metadata, ...members }) => members;

export function pools(scene) {
  test("a pool is made, shown, replaced and deleted", async () => {
    const { admin } = scene;
    const want = everything(scene.broker.loginName);
    const made = plain(await admin.createIdentityPool(want));
    const IdentityPoolId = made.IdentityPoolId;
    assert.match(IdentityPoolId, new RegExp(`^${region}:[0-9a-f-]{36}$`));
    assert.deepEqual(made, { ...want, IdentityPoolId });
    assert.deepEqual(plain(await admin.describeIdentityPool({ IdentityPoolId })), made);

    const least = { IdentityPoolId, IdentityPoolName: "least", AllowUnauthenticatedIdentities: false };
    const left = { ...least, DeveloperProviderName: developerProvider, IdentityPoolTags: want.IdentityPoolTags };
    assert.deepEqual(plain(await admin.updateIdentityPool(least)), left);
    assert.deepEqual(plain(await admin.describeIdentityPool({ IdentityPoolId })), left);
    await refused(admin.updateIdentityPool({ ...least, DeveloperProviderName: "other.example" }), cognito.InvalidParameterException);

    await admin.deleteIdentityPool({ IdentityPoolId });
    const gone = `IdentityPool '${IdentityPoolId}' not found.`;
    await refused(admin.describeIdentityPool({ IdentityPoolId }), cognito.ResourceNotFoundException, gone);
    await refused(admin.deleteIdentityPool({ IdentityPoolId }), cognito.ResourceNotFoundException, gone);
    await refused(scene.app.getId({ IdentityPoolId }), cognito.ResourceNotFoundException, gone);
  });

  test("pools are listed in pages, by the SDK's paginator", async () => {
    const found = [];
    for await (const page of cognito.paginateListIdentityPools({ client: scene.admin, pageSize: 1 }, { MaxResults: 1 })) {
      assert.ok(page.IdentityPools.length <= 1, "a page of 1 holds more");
      found.push(...page.IdentityPools);
    }
    const all = (await scene.admin.listIdentityPools({ MaxResults: 60 })).IdentityPools;
    assert.deepEqual(found, all);
    assert.deepEqual(all.map((p) => p.IdentityPoolName).sort(), ["bare", "closed", "open"]);
    await refused(scene.admin.listIdentityPools({ MaxResults: 1, NextToken: "foreign" }), cognito.InvalidParameterException);
    await refused(scene.admin.listIdentityPools({ MaxResults: 61 }), "ValidationException", /Member must have value less than or equal to 60/);
  });

  test("roles and mappings come back as they were set", async () => {
    const { admin, broker } = scene;
    const { IdentityPoolId } = await admin.createIdentityPool(everything(broker.loginName));
    const roles = {
      Roles: { authenticated: role("user"), unauthenticated: role("guest") },
      RoleMappings: {
        [providerARN(broker.loginName)]: {
          Type: "Rules", AmbiguousRoleResolution: "Deny",
          RulesConfiguration: { Rules: [{ Claim: "team", MatchType: "Equals", Value: "ops", RoleARN: role("ops") }] },
        },
        "graph.facebook.com": { Type: "Token", AmbiguousRoleResolution: "AuthenticatedRole" },
      },
    };
    await admin.setIdentityPoolRoles({ IdentityPoolId, ...roles });
    assert.deepEqual(plain(await admin.getIdentityPoolRoles({ IdentityPoolId })), { IdentityPoolId, ...roles });

    const logins = (claims) => scene.logins("ruled", claims);
    const { IdentityId } = await scene.app.getId({ IdentityPoolId, Logins: await logins() });
    const { Credentials } = await scene.app.getCredentialsForIdentity({ IdentityId, Logins: await logins({ team: "ops" }) });
    assert.match(await scene.whoAmI(Credentials), /assumed-role\/ops\//);
    await refused(scene.app.getCredentialsForIdentity({ IdentityId, Logins: await logins({ team: "dev" }) }), cognito.NotAuthorizedException,
      `The ambiguous role mapping rules for: ${broker.loginName} denied this request.`);

    const foreign = "arn:aws:iam::111111111111:role/user";
    await refused(admin.setIdentityPoolRoles({ IdentityPoolId, Roles: { authenticated: foreign } }), cognito.NotAuthorizedException,
      `Access to Role '${foreign}' is forbidden.`);
    const strange = { "idp.example": { Type: "Token", AmbiguousRoleResolution: "Deny" } };
    await refused(admin.setIdentityPoolRoles({ IdentityPoolId, Roles: {}, RoleMappings: strange }), cognito.InvalidParameterException,
      "(idp.example) is not a valid RoleMapping ProviderName or is not a configured provider.");
    await admin.deleteIdentityPool({ IdentityPoolId });
  });

  test("only those who may make and see pools", async () => {
    const { app, backend, admin } = scene;
    await refused(backend.listIdentityPools({ MaxResults: 1 }), "AccessDeniedException", /is not authorized to perform: cognito-identity:ListIdentityPools/);
    await refused(app.getId({ IdentityPoolId: closed }), cognito.NotAuthorizedException, "Unauthenticated access is not supported for this identity pool.");
    const { IdentityId } = await app.getId({ IdentityPoolId: bare });
    await refused(app.getCredentialsForIdentity({ IdentityId }), cognito.InvalidIdentityPoolConfigurationException,
      "Invalid identity pool configuration. Check assigned IAM roles for this pool.");
    assert.equal((await admin.describeIdentityPool({ IdentityPoolId: open })).AllowClassicFlow, true);
    assert.equal((await admin.describeIdentityPool({ IdentityPoolId: bare })).AllowClassicFlow, undefined);
  });
}
