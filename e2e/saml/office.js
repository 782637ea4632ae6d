// A broker for an office whose users log in at the identity provider of npm's samlp.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { account, role, startBroker } from "../lib/broker.js";
import { clientsOf } from "../lib/clients.js";
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
  const { app, admin, identity, session, rest } = clientsOf(broker);
  const { IdentityPoolId } = await admin.createIdentityPool({
    IdentityPoolName: "office", AllowUnauthenticatedIdentities: false, AllowClassicFlow: true,
    SamlProviderARNs: [provider],
  });
  await admin.setIdentityPoolRoles({ IdentityPoolId, Roles: { authenticated: role("user") } });
  return {
    pool: IdentityPoolId, admin, app,
    identity: (logins) => identity(IdentityPoolId, logins),
    session: (logins, customRoleArn) => session(IdentityPoolId, logins, customRoleArn),
    rest: (logins) => rest(IdentityPoolId, logins),
    signing: { key: signing.key, cert: signing.cert },
    encryption: { encryptionCert: service.cert, encryptionPublicKey: service.publicKey },
    logins: (xml) => ({ [provider]: Buffer.from(xml).toString("base64") }),
    async stop() {
      await broker.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
