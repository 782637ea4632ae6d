"""Responses of pysaml2's identity provider, which asks xmlsec1 to sign."""

import os

from saml2 import saml as names
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.server import Server

from documents import AWS, DSIG, ENC, FORMAT, MORE, SAMLP, SERVICES
from maker import Maker

ISSUER = "https://pysaml2.example/idp"
BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings:"


def service(keys):
    """AWS's metadata, with a certificate to encrypt to."""
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{SERVICES}">'
        f'<md:SPSSODescriptor protocolSupportEnumeration="{SAMLP}"><md:KeyDescriptor use="encryption">'
        f'<ds:KeyInfo xmlns:ds="{DSIG}"><ds:X509Data><ds:X509Certificate>{keys.certificate("service")}'
        f'</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>'
        f'<md:AssertionConsumerService index="1" Location="{AWS}" Binding="{BINDINGS}HTTP-POST"/>'
        f'</md:SPSSODescriptor></md:EntityDescriptor>')


def configuration(keys, file):
    policy = {"lifetime": {"minutes": 5}, "attribute_restrictions": None,
              "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}
    return IdPConfig().load({
        "entityid": ISSUER, "xmlsec_binary": "/usr/bin/xmlsec1", "metadata": {"local": [file]},
        "key_file": keys.path("pysaml2", "key"), "cert_file": keys.path("pysaml2", "crt"),
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [(ISSUER + "/sso", BINDINGS + "HTTP-Redirect")]},
            "policy": {"default": policy},
        }},
    })


def make(keys, folder, clock):
    m = Maker(keys, folder)
    config = configuration(keys, m.write("service.xml", service(keys)))
    idp = Server(config=config)

    def made(method=MORE + "rsa-sha256", digest=ENC + "sha256", **options):
        return str(idp.create_authn_response(
            identity={"mail": ["alice@idp.example"], "givenName": ["Alice"]}, in_response_to="_request",
            destination=AWS, sp_entity_id=SERVICES, name_id=names.NameID(format=FORMAT + "persistent", text="alice"),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": ISSUER},
            sign_alg=method, digest_alg=digest, **options))

    attributes = {"urn:oid:0.9.2342.19200300.100.1.3": ["alice@idp.example"], "urn:oid:2.5.4.42": ["Alice"]}
    for case, assertion, response in (("good", True, False), ("good-response-signed", False, True),
                                      ("good-both-signed", True, True)):
        document = made(sign_assertion=assertion, sign_response=response)
        m.verify(document, "Response" if response else "Assertion", "pysaml2")
        m.keep(case, document, attributes=attributes)
    m.keep("bad-unsigned", made(sign_assertion=False, sign_response=False), refused="signature")
    m.keep("bad-sha1", made(DSIG + "rsa-sha1", DSIG + "sha1", sign_assertion=True, sign_response=False),
           refused="signature")
    # It encrypts by Triple DES, the key by RSA with PKCS #1 v1.5, and offers nothing else.
    encrypted = made(sign_assertion=True, sign_response=True, encrypt_assertion=True,
                     encrypt_assertion_self_contained=True)
    m.keep("bad-encrypted-tripledes", encrypted, refused="encryption")
    m.close(clock, str(entity_descriptor(config)) + "\n")
