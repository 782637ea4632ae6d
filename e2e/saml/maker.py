"""Signs and encrypts by xmlsec1, and keeps what was made."""

import json
import os
import re
import subprocess
import sys

from documents import DSIG, ENC, ENC11, SAML, SAMLP, at


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")


class Keys:
    """Key pairs in a folder that does not outlive the run."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("first", "second", "stranger", "service", "pysaml2"):
            self.make(name, "rsa:2048")
        self.make("curve", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")

    def make(self, name, kind, *options):
        run("openssl", "req", "-x509", "-newkey", kind, *options, "-nodes", "-subj", f"/CN={name}", "-days", "3650",
            "-keyout", self.path(name, "key"), "-out", self.path(name, "crt"))

    def path(self, name, ending):
        return os.path.join(self.folder, f"{name}.{ending}")

    def certificate(self, name):
        with open(self.path(name, "crt")) as f:
            return "".join(line.strip() for line in f if "-----" not in line)


def signature_of(element):
    """xmlsec1's options for the signature that stands in an element."""
    ids = ("--id-attr:ID", f"{SAML}:Assertion", "--id-attr:ID", f"{SAML}:AttributeStatement", "--id-attr:ID",
           f"{SAMLP}:Response")
    return *ids, "--node-xpath", f"//*[local-name()='{element}']/*[local-name()='Signature']"


class Maker:
    """Makes Responses for one folder, with what is to be made of each."""

    def __init__(self, keys, folder):
        self.keys, self.folder, self.cases = keys, folder, {}
        os.makedirs(folder, exist_ok=True)

    def write(self, name, text):
        path = os.path.join(self.keys.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def made(self):
        with open(os.path.join(self.keys.folder, "made.xml")) as f:
            return re.sub(r"^<\?xml[^>]*\?>\n", "", f.read()).strip()

    def sign(self, document, element="Assertion", key="first"):
        """Fills in the signature that stands in an element."""
        run("xmlsec1", "--sign", "--privkey-pem", f"{self.keys.path(key, 'key')},{self.keys.path(key, 'crt')}",
            *signature_of(element), "--output", self.write("made.xml", ""), self.write("document.xml", document))
        return self.made()

    def verify(self, document, element, key="first"):
        """xmlsec1, too, finds that the signature is good."""
        run("xmlsec1", "--verify", "--pubkey-cert-pem", self.keys.path(key, "crt"), "--enabled-reference-uris",
            "same-doc", *signature_of(element), self.write("document.xml", document))

    def encrypt(self, element, algorithm=ENC11 + "aes256-gcm", key="service"):
        """Encrypts an element, and its key by RSA-OAEP."""
        method = f'<xenc:EncryptionMethod Algorithm="{ENC}rsa-oaep-mgf1p"/>'
        data = "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData>"
        blank = (f'<xenc:EncryptedData xmlns:xenc="{ENC}" Type="{ENC}Element"><xenc:EncryptionMethod '
                 f'Algorithm="{algorithm}"/><ds:KeyInfo xmlns:ds="{DSIG}"><xenc:EncryptedKey>{method}{data}'
                 f'</xenc:EncryptedKey></ds:KeyInfo>{data}</xenc:EncryptedData>')
        run("xmlsec1", "--encrypt", "--pubkey-cert-pem", self.keys.path(key, "crt"), "--session-key", "aes-256",
            "--xml-data", self.write("document.xml", element), "--output", self.write("made.xml", ""),
            self.write("blank.xml", blank))
        return self.made()

    def keep(self, case, document, refused="", name_id="alice", **more):
        """Keeps a document, with the check that refuses it, or with what a login has."""
        self.cases[case] = {"refused": refused} if refused else {"nameID": name_id, **more}
        with open(os.path.join(self.folder, case + ".xml"), "w") as f:
            f.write(document)

    def close(self, clock, idp):
        """Keeps what a reader needs beside the documents."""
        with open(self.keys.path("service", "key")) as f:
            key = f.read()
        cases = json.dumps({"clock": at(clock, 0), "cases": self.cases}, indent=1, sort_keys=True) + "\n"
        for name, text in (("metadata.xml", idp), ("decryption.pem", key), ("cases.json", cases)):
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(text)
