// What apps do with logins at a broker, by the SDK and by REST.
import * as cognito from "@aws-sdk/client-cognito-identity";
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { fromCognitoIdentityPool } from "@aws-sdk/credential-providers";
import { admin, region } from "./broker.js";

// clientsOf returns them. Nothing is asked twice.
export function clientsOf({ url: endpoint }) {
  const client = (credentials) => new cognito.CognitoIdentity({ region, endpoint, credentials, maxAttempts: 1 });
  const app = client();
  const whoAmI = async (credentials) =>
    (await new STSClient({ region, endpoint, credentials }).send(new GetCallerIdentityCommand())).Arn;
  return {
    app, admin: client(admin), whoAmI,
    identity: async (IdentityPoolId, Logins) => (await app.getId({ IdentityPoolId, Logins })).IdentityId,
    // session is what the SDK's own provider gets: which identity that is, and whose role.
    async session(identityPoolId, logins, customRoleArn = undefined) {
      const clientConfig = { region, endpoint, maxAttempts: 1 };
      const credentials = await fromCognitoIdentityPool({ identityPoolId, logins, customRoleArn, clientConfig })();
      return { identity: credentials.identityId, arn: await whoAmI(credentials) };
    },
    async rest(pool, logins) {
      const answer = await fetch(`${endpoint}/v1/pools/${pool}/credentials`, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ logins }),
      });
      const body = await answer.json();
      if (answer.ok) body.credentials.expiration = new Date(body.credentials.expiration); // SDKs want a date
      return { status: answer.status, ...body };
    },
  };
}
