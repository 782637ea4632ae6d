"""Metadata, Responses and their parts, as most providers write them, with places for a signer to fill in."""

import datetime

IDP = "https://idp.example/saml"
AWS = "https://signin.aws.amazon.com/saml"
SERVICES = "urn:amazon:webservices"
OURS, OUR_AUDIENCE, OTHER = "https://broker.example/saml", "urn:broker", "https://other.example"
ROLE = "https://aws.amazon.com/SAML/Attributes/Role"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENC, ENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="urn:x"'
CM = "urn:oasis:names:tc:SAML:2.0:cm:"


def at(clock, seconds):
    """A time so many seconds from the clock."""
    return (clock + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(certificates):
    """Metadata with certificates, each with its use; none: for all."""
    keys = "".join(
        f'<md:KeyDescriptor{use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>'
        f'</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>'
        for certificate, use in certificates)
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{DSIG}" entityID="{IDP}">'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">{keys}'
        f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{IDP}/sso"/>'
        f'</md:IDPSSODescriptor></md:EntityDescriptor>\n')


def template(reference="#_assertion", method=MORE + "rsa-sha256", digest=ENC + "sha256", transform=EXC, more="",
             keyinfo=True):
    """A signature for xmlsec1 to fill in."""
    info = "<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>" if keyinfo else ""
    return (
        f'<ds:Signature xmlns:ds="{DSIG}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC}"/>'
        f'<ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="{reference}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{DSIG}enveloped-signature"/><ds:Transform Algorithm="{transform}"/>'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference>{more}'
        f'</ds:SignedInfo><ds:SignatureValue/>{info}</ds:Signature>')


def confirmation(clock, recipient=AWS, until=300, method="bearer", extra=""):
    end = f' NotOnOrAfter="{at(clock, until)}"' if until else ""
    place = f' Recipient="{recipient}"' if recipient else ""
    return (f'<saml:SubjectConfirmation Method="{CM}{method}"><saml:SubjectConfirmationData{end}{place}{extra}/>'
            f'</saml:SubjectConfirmation>')


def audience(*audiences):
    each = "".join(f"<saml:Audience>{one}</saml:Audience>" for one in audiences)
    return f"<saml:AudienceRestriction>{each}</saml:AudienceRestriction>"


def value(text):
    return f"<saml:AttributeValue>{text}</saml:AttributeValue>"


def attribute(name, *values):
    """An attribute; a value that is an element already stays as it is."""
    each = "".join(one if one.startswith("<saml:") else value(one) for one in values)
    return f'<saml:Attribute Name="{name}">{each}</saml:Attribute>'


def authn(clock, extra=' SessionIndex="_session"'):
    return (f'<saml:AuthnStatement AuthnInstant="{at(clock, -10)}"{extra}><saml:AuthnContext>'
            f'<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>'
            f'</saml:AuthnContext></saml:AuthnStatement>')


def assertion(clock, signature="", name="alice", form="persistent", subject=None, confirmations=None, issuer=IDP,
              conditions=None, before=-30, until=300, login=None, attributes=None, ident="_assertion", version="2.0",
              last=""):
    """An assertion; each part can be another, or none."""
    if subject is None:
        subject = f'<saml:NameID Format="{FORMAT}{form}">{name}</saml:NameID>'
    confirmations = confirmation(clock) if confirmations is None else confirmations
    conditions = audience(AWS) if conditions is None else conditions
    login = authn(clock) if login is None else login
    attributes = attribute("mail", "alice@idp.example") if attributes is None else attributes
    begin = f' NotBefore="{at(clock, before)}"' if before is not None else ""
    end = f' NotOnOrAfter="{at(clock, until)}"' if until is not None else ""
    return (
        f'<saml:Assertion xmlns:saml="{SAML}" ID="{ident}" IssueInstant="{at(clock, 0)}" Version="{version}">'
        f'<saml:Issuer>{issuer}</saml:Issuer>{signature}<saml:Subject>{subject}{confirmations}</saml:Subject>'
        f'<saml:Conditions{begin}{end}>{conditions}</saml:Conditions>{login}'
        f'<saml:AttributeStatement>{attributes}</saml:AttributeStatement>{last}</saml:Assertion>')


def response(clock, inner, signature="", status="Success", destination=AWS, head="", extra=""):
    where = f' Destination="{destination}"' if destination else ""
    return (
        f'{head}<samlp:Response xmlns:samlp="{SAMLP}" ID="_response" IssueInstant="{at(clock, 0)}" Version="2.0"'
        f'{where}{extra}><saml:Issuer xmlns:saml="{SAML}">{IDP}</saml:Issuer>{signature}<samlp:Status>'
        f'<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>{inner}'
        f'</samlp:Response>')
