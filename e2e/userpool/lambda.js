// What cognito-local does not say in ID tokens: the roles of a user's groups, cognito:roles and cognito:preferred_role.
// It asks a Lambda function before it makes a token; this is the function, and Lambda.
import { createServer } from "node:http";

// startLambda serves it. configuration is cognito-local's.
export async function startLambda() {
  const roles = new Map(); // of a user, the one of the first group first
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { userName } = JSON.parse(Buffer.concat(chunks).toString());
    const all = roles.get(userName);
    const claims = all && { "cognito:roles": all, ...(all.length === 1 ? { "cognito:preferred_role": all[0] } : {}) };
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ response: { claimsOverrideDetails: { claimsToAddOrOverride: claims ?? {} } } }));
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  return {
    configuration: {
      UserPoolDefaults: { UsernameAttributes: [] }, // names are names; else they are e-mail addresses
      LambdaClient: { credentials, region: "local", endpoint: `http://127.0.0.1:${server.address().port}` },
      TriggerFunctions: { PreTokenGeneration: "roles" },
    },
    // give has a user's tokens name a role more. Of several groups none is before the other, so that none is preferred.
    give: (user, role) => roles.set(user, [...(roles.get(user) ?? []), role]),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
