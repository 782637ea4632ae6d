// The AWS SDK for JavaScript v3 through every operation of Cognito identity pools.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { open } from "../lib/broker.js";
import { refused } from "../lib/refused.js";
import { developers } from "./developers.js";
import { identities } from "./identities.js";
import { pools } from "./pools.js";
import { openScene, operations } from "./scene.js";
import { sessions } from "./sessions.js";
import { tags } from "./tags.js";

const scene = await openScene();
after(() => scene.broker.stop());

pools(scene);
tags(scene);
identities(scene);
developers(scene);
sessions(scene);

test("every operation of the SDK was answered", () => {
  assert.ok(operations().length >= 23, "the SDK has fewer operations than the service");
  assert.deepEqual([...scene.answered].sort(), operations());
});

test("a client over its quota is throttled", async () => {
  const limited = await openScene({ COGNITO__LIMITS: { GetId: 0.001 } });
  try {
    await limited.app.getId({ IdentityPoolId: open });
    const error = await refused(limited.app.getId({ IdentityPoolId: open }), cognito.TooManyRequestsException, "Rate exceeded");
    assert.equal(error.$metadata.httpStatusCode, 400);
  } finally {
    await limited.broker.stop();
  }
});
