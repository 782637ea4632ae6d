"""Responses that are none, though the provider's own key signed them, but for those of a stranger."""

from documents import (AWS, CM, DSIG, ENC, EXC, OTHER, XSI, assertion, attribute, audience, confirmation, response,
                       template, value)


def make(m, clock):
    def signed(case, refused, key="first", signature=template(), destination=AWS, status="Success", head="", **parts):
        document = response(clock, assertion(clock, signature, **parts), head=head, status=status,
                            destination=destination)
        m.keep(case, m.sign(document, key=key), refused=refused)

    def whole(case, refused, inner, **parts):
        signature = parts.pop("signature", template("#_response"))
        m.keep(case, m.sign(response(clock, inner, signature, **parts), "Response"), refused=refused)

    signatures(m, clock, signed, whole)
    documents(m, clock, signed, whole)
    conditions(clock, signed, whole)
    subjects(clock, signed)


def signatures(m, clock, signed, whole):
    signed("bad-stranger", "signature", key="stranger")
    signed("bad-stranger-without-keyinfo", "signature", key="stranger", signature=template(keyinfo=False))
    m.keep("bad-unsigned", response(clock, assertion(clock)), refused="signature")
    sha1 = {"method": DSIG + "rsa-sha1", "digest": DSIG + "sha1"}
    signed("bad-sha1", "signature", signature=template(**sha1))
    signed("bad-sha1-digest", "signature", signature=template(digest=sha1["digest"]))
    signed("bad-sha1-method", "signature", signature=template(method=sha1["method"]))
    whole("bad-sha1-response", "signature", assertion(clock), signature=template("#_response", **sha1))
    signed("bad-inclusive-c14n", "signature",
           signature=template(transform="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"))
    statement = f'<saml:AttributeStatement ID="_statement">{attribute("other", "x")}</saml:AttributeStatement>'
    signed("bad-whole-document-reference", "signature", signature=template(""))
    signed("bad-reference-to-another", "signature", signature=template("#_statement"), last=statement)
    second = (f'<ds:Reference URI="#_statement"><ds:Transforms><ds:Transform Algorithm="{EXC}"/></ds:Transforms>'
              f'<ds:DigestMethod Algorithm="{ENC}sha256"/><ds:DigestValue/></ds:Reference>')
    signed("bad-two-references", "signature", signature=template(more=second), last=statement)
    signed("bad-object", "signature",
           signature=template().replace("</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>"))


def documents(m, clock, signed, whole):
    one, advice = m.sign(assertion(clock, template())), assertion(clock, ident="_inner")
    other = m.sign(assertion(clock, template("#_other"), ident="_other", name="bob"))
    m.keep("bad-bare-assertion", one, refused="form")
    m.keep("bad-two-assertions", response(clock, other + one), refused="form")
    whole("bad-two-assertions-response-signed", "form",
          assertion(clock) + assertion(clock, ident="_other", name="bob"))
    signed("bad-assertion-in-advice", "form", last=f"<saml:Advice>{advice}</saml:Advice>")
    signed("bad-duplicate-id", "form", attributes=attribute("x", value('<x:x xmlns:x="urn:x" Id="_response"/>')))
    signed("bad-doctype", "form", head="<!DOCTYPE Response>\n")
    entity = response(clock, one).replace(">alice</saml:NameID>", ">&who;</saml:NameID>")
    m.keep("bad-entity", '<!DOCTYPE Response [<!ENTITY who "alice">]>\n' + entity, refused="form")
    signed("bad-processing-instruction", "form", name="admin<?x y?>@evil.example")
    signed("bad-status", "status", status="Requester")
    whole("bad-status-alone", "status", "", status="AuthnFailed")
    whole("bad-no-assertion", "missing", "")


def conditions(clock, signed, whole):
    signed("bad-issuer", "issuer", issuer=OTHER)
    signed("bad-version", "condition", version="2.1")
    signed("bad-destination", "recipient", destination=OTHER)
    whole("bad-destination-missing", "recipient", assertion(clock), destination="")
    for case, recipient in (("", OTHER), ("-longer", AWS + "/"), ("-missing", "")):
        signed("bad-recipient" + case, "recipient", confirmations=confirmation(clock, recipient=recipient))
    signed("bad-two-bearers", "condition", confirmations=confirmation(clock) * 2)
    signed("bad-two-bearers-one-empty", "condition",
           confirmations=confirmation(clock) + f'<saml:SubjectConfirmation Method="{CM}bearer"/>')
    signed("bad-no-bearer", "missing", confirmations=confirmation(clock, method="sender-vouches"))
    signed("bad-no-confirmation", "missing", confirmations="")
    signed("bad-confirmation-open", "expired", confirmations=confirmation(clock, until=0))
    signed("bad-no-audience", "audience", conditions="")
    for case, one in (("", OTHER), ("-longer", AWS + "/"), ("-blank", AWS + " ")):
        signed("bad-audience" + case, "audience", conditions=audience(one))
    signed("bad-second-restriction", "audience", conditions=audience(AWS) + audience(OTHER))
    signed("bad-unknown-condition", "condition",
           conditions=audience(AWS) + f'<saml:Condition {XSI} xsi:type="x:Delegation"/>')


def subjects(clock, signed):
    signed("bad-no-authn", "missing", login="")
    signed("bad-no-name", "missing", subject="")
    signed("bad-name-empty", "missing", name="")
    signed("bad-name-blank", "missing", name=" \n\t")
    signed("bad-name-control", "subject", name="alice&#13;")
    signed("bad-name-line", "subject", name="alice\n")
    signed("bad-name-long", "subject", name="a" * 1025)
    signed("bad-base-id", "condition", subject=f'<saml:BaseID {XSI} xsi:type="x:Number"/>')
