// A broker for an office whose users log in at the identity provider of npm's samlp.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as cognito from "@aws-sdk/client-cognito-identity";
import { account, admin, region, role, startBroker } from "../lib/broker.js";
import { keyPair, metadata, write } from "./samlp.js";

export const provider = `arn:aws:iam::${account}:saml-provider/office`;

// startOffice trusts one provider's key, has a key to decrypt with, and makes a pool for its users.
export async function startOffice() {
  const [signing, service] = [keyPair("idp"), keyPair("service")];
  const folder = mkdtempSync(join(tmpdir(), "office-"));
  const broker = await startBroker({ LOGIN_PROVIDERS: [{
    provider, kind: "saml",
    metadata_file: write(folder, "metadata.xml", metadata(signing.cert)),
    decryption_keys_file: write(folder, "decryption.pem", service.key),
  }] });
  const client = (credentials) =>
    new cognito.CognitoIdentity({ region, endpoint: broker.url, credentials, maxAttempts: 1 });
  const { IdentityPoolId } = await client(admin).createIdentityPool({
    IdentityPoolName: "office", AllowUnauthenticatedIdentities: false, AllowClassicFlow: true,
    SamlProviderARNs: [provider],
  });
  await client(admin).setIdentityPoolRoles({ IdentityPoolId, Roles: { authenticated: role("user") } });
  return {
    url: broker.url, pool: IdentityPoolId, admin: client(admin), app: client(),
    signing: { key: signing.key, cert: signing.cert },
    encryption: { encryptionCert: service.cert, encryptionPublicKey: service.publicKey },
    logins: (xml) => ({ [provider]: Buffer.from(xml).toString("base64") }),
    async stop() {
      await broker.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
