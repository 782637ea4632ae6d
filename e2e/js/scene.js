// What the suites work with: a broker, the SDK's clients in front of it, and a record of the operations that were answered.
import * as cognito from "@aws-sdk/client-cognito-identity";
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { admin, developer, region, startBroker } from "../lib/broker.js";

// operations names all that the SDK has for the service.
export function operations() {
  return Object.entries(cognito)
    .filter(([name, value]) => name.endsWith("Command") && value.prototype instanceof cognito.$Command)
    .map(([name]) => name.replace(/Command$/, ""))
    .sort();
}

// openScene starts a broker. Its app is a client without keys; admin and backend sign with theirs.
export async function openScene(settings) {
  const broker = await startBroker(settings);
  const answered = new Set();
  const record = (next, { commandName }) => async (args) => {
    const result = await next(args);
    answered.add(commandName.replace(/Command$/, ""));
    return result;
  };
  const client = (credentials) => {
    const made = new cognito.CognitoIdentity({ region, endpoint: broker.url, credentials, maxAttempts: 1 });
    made.middlewareStack.add(record, { step: "initialize", name: "record" });
    return made;
  };
  return {
    broker, answered, client,
    app: client(), admin: client(admin), backend: client(developer),
    logins: async (user, claims) => ({ [broker.loginName]: await broker.idToken(user, claims) }),
    sts: (credentials) => new STSClient({ region, endpoint: broker.url, credentials, maxAttempts: 1 }),
    // whoAmI is the ARN that credentials have, of either spelling of the secret.
    async whoAmI({ AccessKeyId, SecretKey, SessionToken, ...spelt }) {
      const credentials = AccessKeyId ? { accessKeyId: AccessKeyId, secretAccessKey: SecretKey, sessionToken: SessionToken } : spelt;
      return (await this.sts(credentials).send(new GetCallerIdentityCommand())).Arn;
    },
  };
}
