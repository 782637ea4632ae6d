// npm's samlp as a login provider: its users get credentials, by REST and by the SDK, with the role that it gives.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { role } from "../lib/broker.js";
import { refused } from "../lib/refused.js";
import { provider, startOffice } from "./office.js";
import { keyPair, respond, roleAttribute } from "./samlp.js";

let office;

before(async () => { office = await startOffice(); });
after(() => office?.stop());

const transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const user = (id, attributes = { "urn:mail": [`${id}@idp.example`] }, format = undefined) =>
  ({ id, attributes, format });
const logins = async (who, options = {}) => office.logins(await respond(who, { ...office.signing, ...options }));

// arn is whose role the SDK's own provider gets for a login.
const arn = async (of, customRoleArn) => (await office.session(of, customRoleArn)).arn;

test("a Response buys credentials, by REST and by the SDK, and a user is one identity", async () => {
  const alice = await logins(user("alice"));
  assert.match(await arn(alice), /assumed-role\/user\//);
  const first = await office.rest(alice);
  assert.equal(first.status, 200);
  assert.equal((await office.rest(alice)).identityId, first.identityId); // the same Response again
  for (const form of [{}, { signAssertion: false, signResponse: true }, { signResponse: true }, office.encryption]) {
    assert.equal(await office.identity(await logins(user("alice"), form)), first.identityId);
  }
  for (const other of ["bob", "Alice", "alice "]) {
    assert.notEqual(await office.identity(await logins(user(other))), first.identityId);
  }
  const { Logins } = await office.admin.describeIdentity({ IdentityId: first.identityId });
  assert.deepEqual(Logins, [provider]);
});

test("the provider gives the role", async () => {
  const pair = (name) => `${role(name)},${provider}`;
  assert.match(await arn(await logins(user("carol", { [roleAttribute]: [pair("one")] }))), /assumed-role\/one\//);
  const several = await logins(user("dan", { [roleAttribute]: [pair("one"), pair("two")] }));
  assert.match(await arn(several, role("two")), /assumed-role\/two\//);
  await refused(arn(several), cognito.NotAuthorizedException);
  await refused(arn(several, role("three")), cognito.NotAuthorizedException);
  const foreign = "arn:aws:iam::999999999999:";
  const theirs = [`${foreign}role/one,${foreign}saml-provider/office`, `${role("one")},${foreign}saml-provider/office`];
  await refused(arn(await logins(user("eve", { [roleAttribute]: theirs }))), cognito.NotAuthorizedException);
});

test("each transient NameID is an identity of its own", async () => {
  const ids = [];
  for (const id of ["_1", "_2"]) ids.push(await office.identity(await logins(user(id, undefined, transient))));
  assert.notEqual(ids[0], ids[1]);
});

test("the classic flow refuses SAML", async () => {
  const alice = await logins(user("alice"));
  const IdentityId = await office.identity(alice);
  await refused(office.app.getOpenIdToken({ IdentityId, Logins: alice }), cognito.InvalidParameterException,
    "Basic (classic) flow is not supported with SAML, please use enhanced flow.");
});

test("what is no login buys nothing", async () => {
  const xml = await respond(user("alice"), office.signing);
  const begin = "Invalid login token. ";
  const all = {
    "Couldn't verify signed token.": [
      await logins(user("alice"), keyPair("stranger")), await logins(user("alice"), { signAssertion: false }),
      office.logins(xml.replace(">alice<", ">admin<")),
      await logins(user("alice"), { signatureAlgorithm: "rsa-sha1", digestAlgorithm: "sha1" }),
    ],
    "Incorrect token audience.": [
      await logins(user("alice"), { audience: "urn:other" }),
      await logins(user("alice"), { recipient: "https://other.example" }),
    ],
    "Not a valid SAML response.": [
      office.logins(xml.match(/<saml:Assertion.*<\/saml:Assertion>/s)[0]), office.logins(`<!DOCTYPE x>${xml}`),
      { [provider]: xml }, { [provider]: "x" },
    ],
  };
  for (const [text, bad] of Object.entries(all)) {
    for (const one of bad) {
      const call = office.app.getId({ IdentityPoolId: office.pool, Logins: one });
      await refused(call, cognito.NotAuthorizedException, begin + text);
    }
  }
});
