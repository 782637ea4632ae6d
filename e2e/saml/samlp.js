// The identity provider of npm's samlp and saml: its keys, its metadata, and Responses that it makes and signs.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import samlp from "samlp";

export const aws = "https://signin.aws.amazon.com/saml";
export const roleAttribute = "https://aws.amazon.com/SAML/Attributes/Role";
const issuer = "urn:samlp.example";
const persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

// keyPair is an RSA key with a certificate of its own, in PEM. The files do not outlive the call.
export function keyPair(name) {
  const folder = mkdtempSync(join(tmpdir(), "samlp-"));
  const [key, cert] = [join(folder, "key"), join(folder, "crt")];
  try {
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`, "-days", "3650",
      "-keyout", key, "-out", cert], { stdio: "ignore" });
    const publicKey = execFileSync("openssl", ["x509", "-in", cert, "-pubkey", "-noout"]);
    return { key: readFileSync(key), cert: readFileSync(cert), publicKey };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// mapper turns a user into what an assertion says of him: {id, format, attributes}.
function mapper(user) {
  return {
    getClaims: () => user.attributes,
    getNameIdentifier: () => ({ nameIdentifier: user.id, nameIdentifierFormat: user.format ?? persistent }),
  };
}
mapper.prototype.metadata = [];

// respond makes a Response for a user, for AWS unless the options say otherwise. They are samlp's.
export function respond(user, options) {
  return promisify(samlp.getSamlResponse)({
    issuer, audience: "urn:amazon:webservices", recipient: aws, destination: aws, inResponseTo: "_request",
    lifetimeInSeconds: 300, signatureAlgorithm: "rsa-sha256", digestAlgorithm: "sha256", profileMapper: mapper,
    sessionIndex: "_session", ...options,
  }, user);
}

// metadata is the provider's, with its certificate.
export function metadata(cert) {
  let text;
  const page = "/FederationMetadata/2007-06/FederationMetadata.xml";
  samlp.metadata({ issuer, cert, profileMapper: mapper })(
    { headers: { host: "samlp.example" }, protocol: "https", originalUrl: page },
    { set() {}, send(xml) { text = xml; } },
  );
  return text;
}

// write puts a file into a folder; text is a string or a buffer.
export function write(folder, name, text) {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
