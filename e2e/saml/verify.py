#!/usr/bin/python3
"""Has xmlsec1 verify what each identity provider signed, so that nobody is judged by one library alone.

    verify.py DIR

DIR is what make.py and make.js wrote. Each signature of a Response that is a login is verified by a certificate of
the metadata; those inside a ciphertext are out of reach.
"""
import os
import re
import subprocess
import sys
import tempfile

SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"


def certificates(metadata, folder):
    """Files with the certificates of metadata, in PEM."""
    paths = []
    for i, text in enumerate(re.findall(r"X509Certificate>([^<]+)<", metadata)):
        paths.append(os.path.join(folder, f"{i}.crt"))
        lines = "\n".join(re.findall(r".{1,64}", re.sub(r"\s", "", text)))
        with open(paths[-1], "w") as f:
            f.write(f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    return paths


def good(document, element, certificate):
    signature = f"//*[local-name()='{element}']/*[local-name()='Signature']"
    return subprocess.run(
        ["xmlsec1", "--verify", "--pubkey-cert-pem", certificate, "--enabled-key-data", "rsa,ec",
         "--enabled-reference-uris", "same-doc", "--id-attr:ID", f"{SAML}:Assertion", "--id-attr:ID",
         f"{SAMLP}:Response", "--node-xpath", signature, document], capture_output=True).returncode == 0


def main():
    verified = 0
    for peer in ("pysaml2", "samlp", "xmlsec1"):
        folder = os.path.join(sys.argv[1], peer)
        with open(os.path.join(folder, "metadata.xml")) as f, tempfile.TemporaryDirectory() as scratch:
            signers = certificates(f.read(), scratch)
            for name in sorted(n for n in os.listdir(folder) if n.startswith("good")):
                document = os.path.join(folder, name)
                with open(document) as f:
                    text = f.read()
                for element in ("Response", "Assertion"):
                    if not re.search(rf"<[a-z]*:?{element}\b[^>]*>(<saml:Issuer[^>]*>[^<]*</saml:Issuer>|<ns\d:Issuer"
                                     rf"[^>]*>[^<]*</ns\d:Issuer>)<[a-z0-9]*:?Signature\b", text):
                        continue
                    if not any(good(document, element, signer) for signer in signers):
                        sys.exit(f"{document}: xmlsec1 finds no good signature of the {element}")
                    verified += 1
    if verified < 40:
        sys.exit(f"got {verified} signatures, want at least 40")
    print(f"xmlsec1 verified {verified} signatures")


if __name__ == "__main__":
    main()
