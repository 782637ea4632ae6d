#!/usr/bin/python3
"""Makes Responses as identity providers of others make and sign them, with what is to be made of each.

    make.py DIR [CLOCK]

writes DIR/xmlsec1 (documents of ours, signed and encrypted by xmlsec1) and DIR/pysaml2 (documents made and signed by
pysaml2): the metadata, the key to decrypt with, the Responses, and cases.json. CLOCK is the IssueInstant of the former,
such as 2026-06-01T12:00:00Z; without it, now. Needs Debian's xmlsec1, openssl and python3-pysaml2.
"""
import datetime
import os
import sys
import tempfile

sys.dont_write_bytecode = True

import accepted
import encrypted
import idp
import refused
from documents import metadata
from maker import Keys, Maker

USES = {"first": ' use="signing"', "second": ' use="signing"', "curve": "", "stranger": ' use="encryption"'}


def main():
    folder, now = sys.argv[1], datetime.datetime.utcnow().replace(microsecond=0)
    clock = datetime.datetime.strptime(sys.argv[2], "%Y-%m-%dT%H:%M:%SZ") if len(sys.argv) > 2 else now
    with tempfile.TemporaryDirectory() as scratch:
        keys = Keys(scratch)
        m = Maker(keys, os.path.join(folder, "xmlsec1"))
        for kind in (accepted, encrypted, refused):
            kind.make(m, clock)
        m.close(clock, metadata([(keys.certificate(name), use) for name, use in USES.items()]))
        idp.make(keys, os.path.join(folder, "pysaml2"), now)


if __name__ == "__main__":
    main()
