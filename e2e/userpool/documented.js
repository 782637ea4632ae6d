// What docs/logins.md says of Amplify with a user pool of cognito-local, as it stands there: the lines that are added
// to the configuration of `make run`, and the app.
import { readFile } from "node:fs/promises";

const read = (path) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const heading = "#### Amplify and cognito-local on one machine";
const poolLine = "    developer_provider_name: login.example\n"; // of the one pool of configs/development.yaml

// The names of the documents, that stand for those of a test.
const documented = {
  host: "localhost:9229", pool: "local_1AbCdEfG", client: "1example23456789", broker: "127.0.0.1:8080",
};

// blocks are the section's blocks of a language, with a test's own names: {host, pool, client, broker}.
async function blocks(language, names) {
  const [, section] = (await read("docs/logins.md")).split(`\n${heading}\n`);
  const text = section.split(/\n#+ /)[0];
  return [...text.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(([, block]) =>
    Object.entries(names).reduce((changed, [name, own]) => {
      if (!text.includes(documented[name])) throw new Error(`docs/logins.md does not name ${documented[name]}`);
      return changed.replaceAll(documented[name], own);
    }, block));
}

// configuration is the one of `make run` with the lines that are added: some at the end, others in its pool.
export async function configuration(names) {
  const [end, ofPool, ...more] = await blocks("yaml", names);
  const file = await read("configs/development.yaml");
  if (more.length > 0 || file.split(poolLine).length !== 2) throw new Error("where do the lines belong?");
  return file.replace(poolLine, poolLine + ofPool) + end;
}

// app is the app's configuration, and its sign-in, as functions of what they import.
export async function app(names) {
  const AsyncFunction = (async () => {}).constructor;
  const [configure, signIn] = (await blocks("js", names)).map((block) => block.replace(/^import .*\n/gm, ""));
  return {
    configure: new Function("Amplify", configure),
    signIn: new AsyncFunction("signIn", "fetchAuthSession", "username", "password",
      `${signIn}\nreturn { identityId, credentials, tokens };`),
  };
}
