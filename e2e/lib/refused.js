import assert from "node:assert/strict";

// refused asks that a call fails with an error of that name, or class, and text. A text is literal; a pattern will do where the
// service's own text is not known.
export async function refused(call, kind, text) {
  const name = typeof kind === "string" ? kind : kind.name;
  const error = await call.then(() => assert.fail(`got an answer, want ${name}`), (e) => e);
  assert.equal(error.name, name, `${error.name}: ${error.message}`);
  if (typeof kind === "function") assert.ok(error instanceof kind, `got a ${error.constructor.name}, want the SDK's class ${name}`);
  if (text instanceof RegExp) assert.match(error.message, text);
  else if (text !== undefined) assert.equal(error.message, text);
  return error;
}
