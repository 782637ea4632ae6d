"""Responses whose assertion, or a part of it, is encrypted; logins and others."""

from documents import ENC, OUR_AUDIENCE, OURS, SAML, assertion, audience, confirmation, response, template


def make(m, clock):
    def wrapped(element, **how):
        return f'<saml:EncryptedAssertion xmlns:saml="{SAML}">{m.encrypt(element, **how)}</saml:EncryptedAssertion>'

    def keep(case, inner, refused="", destination=None):
        where = {} if destination is None else {"destination": destination}
        m.keep(case, response(clock, inner, **where), refused=refused)

    def whole(case, inner):
        m.keep(case, m.sign(response(clock, inner, template("#_response")), "Response"))

    inner, unsigned = m.sign(assertion(clock, template())), assertion(clock)
    cbc = wrapped(inner, algorithm=ENC + "aes256-cbc")
    keep("good-encrypted", wrapped(inner))
    whole("good-encrypted-cbc-response-signed", cbc)
    whole("good-encrypted-unsigned-in-response-signed", wrapped(unsigned))
    ours = assertion(clock, template(), conditions=audience(OUR_AUDIENCE),
                     confirmations=confirmation(clock, recipient=OURS))
    keep("good-encrypted-configured", wrapped(m.sign(ours)), destination="")
    name = m.encrypt(f'<saml:NameID xmlns:saml="{SAML}">alice</saml:NameID>')
    subject = f"<saml:EncryptedID>{name}</saml:EncryptedID>"
    keep("good-encrypted-id", m.sign(assertion(clock, template(), subject=subject)))

    keep("bad-encrypted-cbc", cbc, refused="encryption")
    keep("bad-encrypted-to-another", wrapped(inner, key="stranger"), refused="encryption")
    keep("bad-encrypted-stranger", wrapped(m.sign(assertion(clock, template()), key="stranger")), refused="signature")
    keep("bad-encrypted-unsigned", wrapped(unsigned), refused="signature")
    keep("bad-encrypted-two", wrapped(inner) + inner, refused="form")
    advice = f'<saml:Advice>{assertion(clock, ident="_inner")}</saml:Advice>'
    keep("bad-encrypted-nested", wrapped(m.sign(assertion(clock, template(), last=advice))), refused="signature")
