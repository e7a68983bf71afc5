"""Names of headers that say that they hold a credential, as leat judges them."""

from __future__ import annotations

import re

_WORDS = frozenset(
    "pin otp totp pan cvv cvv2 cvc cvc2 ssn pwd jwt auth sid sig hmac creds passcode".split()
)
"""Secret as a word of a name."""

_NAMES = frozenset(
    "pass card session assertion bearer samlresponse codeverifier accountnumber iban cardholder csrf"
    " xsrf pincode".split()
)
"""Secret as the whole name, without what separates its words."""

_PLAIN = frozenset(
    "tokentype maxtokens prompttokens completiontokens totaltokens inputtokens outputtokens".split()
)

_PARTS = (
    "password passwd passphrase passwort secret token apikey privatekey accesskey signingkey"
    " encryptionkey sharedkey credential cookie authorization signature sessionid sessionkey"
    " clientassertion cardnumber session"
).split()
"""Secret wherever they stand in a name."""


def is_credential(header: str) -> bool:
    """Reports whether a header holds a credential, by its name: ``"*"`` of needs does not show it."""
    words = [w for w in re.split("[^0-9a-z]+", header.lower()) if w]
    if any(word in _WORDS for word in words):
        return True
    flat = "".join(words)
    if flat in _NAMES:
        return True
    return "session" in flat or (flat not in _PLAIN and any(part in flat for part in _PARTS))
