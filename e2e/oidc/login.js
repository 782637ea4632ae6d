// The authorization-code flow with PKCE, as a browser and openid-client walk through it together.
import assert from "node:assert/strict";
import * as openid from "openid-client";
import { redirectURI } from "./provider.js";

const maxSteps = 12;

// logIn signs a user in at the provider, by its own login and consent pages, and returns the ID token.
export const logIn = async (...to) => (await signIn(...to)).id_token;

// signIn does the same, and returns all tokens. fetch is how the provider is reached.
export async function signIn(issuer, clientID, user, { scope = "openid team", fetch = globalThis.fetch } = {}) {
  const insecure = issuer.startsWith("http:") ? [openid.allowInsecureRequests] : [];
  const how = { execute: insecure, [openid.customFetch]: fetch };
  const app = await openid.discovery(new URL(issuer), clientID, undefined, openid.None(), how);
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [openid.randomState(), openid.randomNonce()];
  const start = openid.buildAuthorizationUrl(app, {
    redirect_uri: redirectURI, scope, state: expectedState, nonce: expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256",
  });
  const callback = await browse(start, { login: user, password: "any" }, fetch);
  const wrong = openid.authorizationCodeGrant(app, callback, { pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState, expectedNonce });
  await assert.rejects(wrong, { error: "invalid_grant" }, "the provider took a code without its verifier");
  const again = await browse(start, { login: user, password: "any" }, fetch); // a code that failed once is spent
  const tokens = await openid.authorizationCodeGrant(app, again, { pkceCodeVerifier, expectedState, expectedNonce });
  assert.equal(tokens.claims().sub, user);
  return tokens;
}

// browse follows redirects and submits forms, until it is sent to the app.
async function browse(start, fields, fetch) {
  const jar = new Map();
  let [url, form] = [start, undefined];
  for (let step = 0; step < maxSteps; step++) {
    const page = await fetch(url, {
      redirect: "manual", method: form ? "POST" : "GET", body: form,
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") },
    });
    for (const cookie of page.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (value) jar.set(name, value);
      else jar.delete(name);
    }
    const location = page.headers.get("location");
    if (location) {
      [url, form] = [new URL(location, url), undefined];
      if (url.href.startsWith(redirectURI)) return url;
      continue;
    }
    const html = await page.text();
    const action = /<form[^>]* action="([^"]+)"/.exec(html)?.[1];
    assert.ok(page.ok && action, `no form to go on with: status ${page.status}`);
    const prompt = /name="prompt" value="([^"]+)"/.exec(html)[1];
    [url, form] = [new URL(action, url), new URLSearchParams({ prompt, ...(prompt === "login" ? fields : {}) })];
  }
  assert.fail(`still not back at the app after ${maxSteps} steps`);
}
