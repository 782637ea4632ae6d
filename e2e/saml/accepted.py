"""Responses that are logins."""

import re

from documents import (AWS, DSIG, ENC, EXC, FORMAT, MORE, OTHER, OUR_AUDIENCE, OURS, ROLE, SERVICES, XSI, assertion, at,
                       attribute, audience, authn, confirmation, response, template, value)

ACCOUNT = "arn:aws:iam::123456789012:"


def make(m, clock):
    def signed(case, key="first", signature=template(), expect=None, head="", extra="", destination=AWS, **parts):
        inner = assertion(clock, signature, **parts)
        document = response(clock, inner, head=head, extra=extra, destination=destination)
        m.keep(case, m.sign(document, key=key), **(expect or {}))

    signatures(m, clock, signed)
    conditions(clock, signed)
    subjects(signed)
    attributes(signed)


def signatures(m, clock, signed):
    plain = m.sign(response(clock, assertion(clock, template())))
    m.verify(plain, "Assertion")
    m.keep("good", plain, attributes={"mail": ["alice@idp.example"]}, format=FORMAT + "persistent", ends=at(clock, 300))
    stranger = m.keys.certificate("stranger")
    m.keep("good-other-keyinfo", re.sub(r"(<ds:X509Certificate>)[^<]*", lambda found: found[1] + stranger, plain))
    signed("good-without-keyinfo", signature=template(keyinfo=False))
    signed("good-second-key", key="second")
    signed("good-second-key-without-keyinfo", key="second", signature=template(keyinfo=False))
    signed("good-ecdsa", key="curve", signature=template(method=MORE + "ecdsa-sha256"))
    signed("good-sha384", signature=template(method=MORE + "rsa-sha384", digest=MORE + "sha384"))
    signed("good-sha512", signature=template(method=MORE + "rsa-sha512", digest=ENC + "sha512"))
    signed("good-xml-declaration", head='<?xml version="1.0" encoding="UTF-8"?>\n')

    whole = m.sign(response(clock, assertion(clock), template("#_response")), "Response")
    m.verify(whole, "Response")
    m.keep("good-response-signed", whole)
    both = response(clock, assertion(clock, template()), template("#_response"))
    m.keep("good-both-signed", m.sign(m.sign(both), "Response"))
    m.keep("good-both-signed-by-two-keys", m.sign(m.sign(both, key="second"), "Response"))


def conditions(clock, signed):
    signed("good-in-response-to", extra=' InResponseTo="_request"',
           confirmations=confirmation(clock, extra=' InResponseTo="_request"'))
    signed("good-without-destination", destination="")
    signed("good-two-audiences", conditions=audience(OTHER, SERVICES))
    signed("good-two-restrictions", conditions=audience(AWS) + audience(OTHER, SERVICES))
    signed("good-configured", conditions=audience(OUR_AUDIENCE), destination=OURS,
           confirmations=confirmation(clock, recipient=OURS))
    signed("good-configured-without-destination", confirmations=confirmation(clock, recipient=OURS), destination="")
    signed("good-holder-of-key-beside",
           confirmations=confirmation(clock, method="holder-of-key") + confirmation(clock))
    signed("good-one-time-use", conditions=audience(AWS) + "<saml:OneTimeUse/>")
    signed("good-open-end", until=None, before=None, confirmations=confirmation(clock, until=3600))
    signed("good-short-conditions", until=30, expect={"ends": at(clock, 30)})
    signed("good-short-confirmation", confirmations=confirmation(clock, until=30), expect={"ends": at(clock, 30)})
    signed("good-late", before=60)
    signed("good-session", login=authn(clock, f' SessionNotOnOrAfter="{at(clock, 20)}"'),
           expect={"ends": at(clock, 20)})


def subjects(signed):
    signed("good-blanks", name="  Alice Example ", expect={"name_id": "  Alice Example "})
    signed("good-unicode", name="Ålice&lt;&amp;é", expect={"name_id": "Ålice<&é"})
    signed("good-longest", name="a" * 1024, expect={"name_id": "a" * 1024})
    across = {"name": "admin<!-- a comment -->@evil.example", "expect": {"name_id": "admin@evil.example"}}
    signed("good-comment", **across)
    signed("good-comment-signed", signature=template(transform=EXC + "WithComments"), **across)
    signed("good-cdata", name="ad<![CDATA[min<!--]]>", expect={"name_id": "admin<!--"})
    signed("good-transient", form="transient", name="_1", expect={"name_id": "_1", "format": FORMAT + "transient"})
    formless = {"subject": "<saml:NameID>alice</saml:NameID>", "expect": {"format": ""}}
    signed("good-without-format", **formless)
    signed("good-format-as-attribute", attributes=attribute("saml:sub_type", "transient"), **formless)


def attributes(signed):
    null = f'<saml:AttributeValue {XSI} xsi:nil="true"/>'
    other = value("<saml:NameID>other</saml:NameID>")
    signed("good-attributes", attributes=attribute("groups", "a", "b") + attribute("groups", "c")
           + attribute("empty", "") + attribute("null", null) + attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", other),
           expect={"attributes": {"groups": ["a", "b", "c"], "empty": [""], "null": [],
                                  "urn:oid:1.3.6.1.4.1.5923.1.1.1.10": []}})
    provider, stranger = ACCOUNT + "saml-provider/corporate", "arn:aws:iam::999999999999:"
    roles = [f"{ACCOUNT}role/one,{provider}", f"{provider},{ACCOUNT}role/path/two",
             f"{stranger}role/theirs,{stranger}saml-provider/corporate", f"{ACCOUNT}role/alone"]
    signed("good-roles", attributes=attribute(ROLE, *roles), expect={"attributes": {ROLE: roles}})
    many = [f"cn=group-{i:03},ou=groups,dc=idp,dc=example" for i in range(300)]
    signed("good-many-groups", attributes=attribute("groups", *many), expect={"attributes": {"groups": many}})
