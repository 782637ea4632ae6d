// Makes Responses as npm's samlp and saml make and sign them, with what is to be made of each:
//
//   node make.js DIR
//
// writes DIR/samlp: the metadata, the key to decrypt with, the Responses, and cases.json. Their IssueInstant is now.
// Needs openssl for certificates.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { keyPair, metadata, respond, roleAttribute, write } from "./samlp.js";

const folder = join(process.argv[2], "samlp");
mkdirSync(folder, { recursive: true });

const own = keyPair("samlp");
const stranger = keyPair("stranger");
const service = keyPair("service");
const attributes = {
  "urn:mail": ["alice@idp.example"],
  "urn:groups": ["admin", "staff"],
  [roleAttribute]: ["arn:aws:iam::123456789012:role/one,arn:aws:iam::123456789012:saml-provider/corporate"],
};
const alice = { id: "alice", attributes };
const other = { id: "Zoë <&> \u{1F511}", attributes };
const encrypted = { encryptionCert: service.cert, encryptionPublicKey: service.publicKey };
const status = "urn:oasis:names:tc:SAML:2.0:status:Responder";

const login = ({ id }) => ({ nameID: id, attributes });
const refused = (check) => ({ refused: check });
const cases = {
  "good": [login(alice), own],
  "good-response-signed": [login(alice), { ...own, signAssertion: false, signResponse: true }],
  "good-both-signed": [login(alice), { ...own, signResponse: true }],
  "good-prefix": [login(alice), { ...own, signatureNamespacePrefix: "ds" }],
  "good-encrypted": [login(alice), { ...own, ...encrypted }],
  "good-unicode": [login(other), own, other],
  "bad-stranger": [refused("signature"), stranger],
  "bad-unsigned": [refused("signature"), { ...own, signAssertion: false }],
  "bad-sha1": [refused("signature"), { ...own, signatureAlgorithm: "rsa-sha1", digestAlgorithm: "sha1" }],
  "bad-audience": [refused("audience"), { ...own, audience: "urn:other" }],
  "bad-recipient": [refused("recipient"), { ...own, recipient: "https://other.example" }],
  "bad-issuer": [refused("issuer"), { ...own, issuer: "urn:other" }],
  "bad-status": [refused("status"), { ...own, samlStatusCode: status }],
};

const wanted = {};
for (const [name, [want, options, user = alice]] of Object.entries(cases)) {
  const { publicKey, ...signing } = options;
  write(folder, `${name}.xml`, await respond(user, signing));
  wanted[name] = want;
}
write(folder, "metadata.xml", metadata(own.cert));
write(folder, "decryption.pem", service.key);
write(folder, "cases.json", JSON.stringify({ cases: wanted }, null, 1) + "\n");
