// The ways to credentials that an app takes: the SDK's own providers, and the classic flow through STS.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { AssumeRoleWithWebIdentityCommand } from "@aws-sdk/client-sts";
import { fromCognitoIdentity, fromCognitoIdentityPool, fromWebToken } from "@aws-sdk/credential-providers";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { closed, open, region, role } from "../lib/broker.js";
import { refused } from "../lib/refused.js";

export function sessions(scene) {
  const clientConfig = () => ({ region, endpoint: scene.broker.url });

  test("fromCognitoIdentityPool signs a user in, and a guest", async () => {
    const logins = await scene.logins("pool-user");
    const user = await fromCognitoIdentityPool({ identityPoolId: open, logins, clientConfig: clientConfig() })();
    assert.match(await scene.whoAmI(user), /assumed-role\/user\/CognitoIdentityCredentials$/);
    assert.equal(user.identityId, (await scene.app.getId({ IdentityPoolId: open, Logins: logins })).IdentityId);
    assert.ok(user.expiration - Date.now() > 50 * 60_000, "no hour of life");
    const guest = await fromCognitoIdentityPool({ identityPoolId: open, clientConfig: clientConfig() })();
    assert.match(await scene.whoAmI(guest), /assumed-role\/guest\/CognitoIdentityCredentials$/);
    await refused(fromCognitoIdentityPool({ identityPoolId: closed, clientConfig: clientConfig() })(), cognito.NotAuthorizedException,
      "Unauthenticated access is not supported for this identity pool.");
  });

  test("fromCognitoIdentity serves an identity that is known", async () => {
    const logins = await scene.logins("known-user");
    const { IdentityId: identityId } = await scene.app.getId({ IdentityPoolId: open, Logins: logins });
    const user = await fromCognitoIdentity({ identityId, logins, clientConfig: clientConfig() })();
    assert.match(await scene.whoAmI(user), /assumed-role\/user\//);
  });

  test("the classic flow: a token, a role of one's choice, a session's name", async () => {
    const { app, broker } = scene;
    const Logins = await scene.logins("classic-user");
    const { IdentityId } = await app.getId({ IdentityPoolId: open, Logins });
    const { Token } = await app.getOpenIdToken({ IdentityId, Logins });
    const { payload, protectedHeader } = await jwtVerify(Token, createRemoteJWKSet(new URL(`${broker.url}/.well-known/jwks_uri`)), { issuer: broker.url, audience: open });
    assert.deepEqual([payload.sub, protectedHeader.alg, payload.exp - payload.iat], [IdentityId, "RS512", 600]);

    const input = { RoleArn: role("user"), RoleSessionName: "classic", WebIdentityToken: Token, DurationSeconds: 900 };
    const answer = await scene.sts().send(new AssumeRoleWithWebIdentityCommand(input));
    assert.deepEqual([answer.SubjectFromWebIdentityToken, answer.Audience, answer.AssumedRoleUser.Arn],
      [IdentityId, open, "arn:aws:sts::000000000000:assumed-role/user/classic"]);
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = answer.Credentials;
    assert.equal(await scene.whoAmI({ accessKeyId, secretAccessKey, sessionToken }), answer.AssumedRoleUser.Arn);

    const own = await fromWebToken({ roleArn: role("user"), roleSessionName: "own", webIdentityToken: Token, clientConfig: clientConfig() })();
    assert.equal(await scene.whoAmI(own), "arn:aws:sts::000000000000:assumed-role/user/own");
    for (const name of ["guest", "nobody"]) {
      await refused(scene.sts().send(new AssumeRoleWithWebIdentityCommand({ ...input, RoleArn: role(name) })), "AccessDenied");
    }
    await refused(scene.sts().send(new AssumeRoleWithWebIdentityCommand({ ...input, WebIdentityToken: Token.slice(0, -8) + "AAAAAAAA" })), "InvalidIdentityTokenException");
    await refused(scene.whoAmI({ accessKeyId, secretAccessKey: "x", sessionToken }), "SignatureDoesNotMatch");
  });

  test("a pool may forbid the classic flow", async () => {
    const Logins = await scene.logins("modern-user");
    const { IdentityId } = await scene.app.getId({ IdentityPoolId: closed, Logins });
    await refused(scene.app.getOpenIdToken({ IdentityId, Logins }), cognito.InvalidParameterException,
      "Basic (classic) flow is not enabled, please use enhanced flow.");
    const { Credentials } = await scene.app.getCredentialsForIdentity({ IdentityId, Logins });
    assert.match(await scene.whoAmI(Credentials), /assumed-role\/user\//);
  });
}
