// Key rotation of the login provider: announced, and out of the blue.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { decodeProtectedHeader } from "jose";
import { refused } from "../lib/refused.js";
import { logIn } from "./login.js";
import { newKey, startProvider } from "./provider.js";
import { startShop } from "./shop.js";

const patience = 60_000; // the broker asks for keys at most once in 30 s

let provider, shop, first, second, third;

before(async () => {
  [first, second, third] = await Promise.all(["first", "second", "third"].map(newKey));
  provider = await startProvider(["shop"], [first, second]);
  shop = await startShop(provider);
});
after(async () => {
  await shop?.stop();
  await provider?.stop();
});

async function tokenBy(kid) {
  const token = await logIn(provider.issuer, "shop", "alice");
  assert.equal(decodeProtectedHeader(token).kid, kid);
  return token;
}

test("a key that was published ahead serves at once, and both do for a while", async () => {
  const old = await tokenBy("first");
  const id = await shop.getId(old);
  provider.rotate([second, first]);
  assert.equal(await shop.getId(await tokenBy("second")), id);
  assert.equal(await shop.getId(old), id);
});

test("a key that nobody announced serves once the keys were fetched anew", async () => {
  const id = await shop.getId(await tokenBy("second"));
  provider.rotate([third]);
  const token = await tokenBy("third");
  const deadline = Date.now() + patience;
  for (;;) {
    const answer = await shop.getId(token).catch((error) => error);
    if (answer === id) break;
    await refused(Promise.reject(answer), cognito.NotAuthorizedException, "Invalid login token. Couldn't verify signed token.");
    assert.ok(Date.now() < deadline, "the new key is still unknown");
    await pause(500);
  }
});
