"""Signs as a sender would, with the published libraries alone: right, and wrong in every way that their own tests try.

Reads {"secret", "body"} and prints a list of {"name", "headers", "body", "taken"}, where "taken" is what the library
itself says of the case.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import standardwebhooks
import svix

LIBRARIES = {"webhook": standardwebhooks.Webhook, "svix": svix.Webhook}
# Both libraries allow 300 s; the server reads its clock later than we ours, on a slow machine much later.
SKEW = {"now": 0, "old, but not too old": -200, "too old": -500, "ahead, but not too far": 200, "too far ahead": 500}
OTHER_SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
STRANGE = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


def signed(prefix, secret, body, number, seconds=0):
    """The three headers."""
    at = datetime.now(tz=timezone.utc).replace(microsecond=0) + timedelta(seconds=seconds)
    name = f"msg_{prefix}_{number}"
    signature = LIBRARIES[prefix](secret).sign(name, at, body)
    return {f"{prefix}-id": name, f"{prefix}-timestamp": str(int(at.timestamp())), f"{prefix}-signature": signature}


def variants(prefix, secret, body):
    """Names of cases, with their headers and bodies."""
    numbers = iter(range(1_000))

    def fresh(own_secret=secret, seconds=0):
        return signed(prefix, own_secret, body, next(numbers), seconds)

    def changed(part, change):
        headers = fresh()
        headers[f"{prefix}-{part}"] = change(headers[f"{prefix}-{part}"])
        return headers

    for name, seconds in SKEW.items():
        yield name, fresh(seconds=seconds), body
    for part in ("id", "timestamp", "signature"):
        headers = fresh()
        del headers[f"{prefix}-{part}"]
        yield f"no {part}", headers, body
    yield "no headers", {}, body
    yield "another secret", fresh(OTHER_SECRET), body
    yield "the secret without its prefix", fresh(secret.removeprefix("whsec_")), body
    yield "another body", fresh(), body.replace("john", "eve")
    yield "a space more", fresh(), body + " "
    yield "another id", changed("id", lambda value: value + "x"), body
    yield "another time", changed("timestamp", lambda value: str(int(value) - 1)), body
    yield "no number as time", changed("timestamp", lambda value: "yesterday"), body
    yield "half a signature", changed("signature", lambda value: value[:8]), body
    yield "a signature without its version", changed("signature", lambda value: value.removeprefix("v1,")), body
    yield "an empty signature", changed("signature", lambda value: "v1,"), body
    yield "another version", changed("signature", lambda value: value.replace("v1,", "v0,")), body
    yield "only strange signatures", changed("signature", lambda value: f"{STRANGE} {STRANGE}"), body
    yield "among strange signatures", changed("signature", lambda value: f"{STRANGE} v2,abc {value} {STRANGE}"), body
    yield "of both secrets", changed("signature", lambda value: f"{fresh(OTHER_SECRET)[f'{prefix}-signature']} {value}"), body


def is_taken(prefix, secret, headers, body):
    try:
        LIBRARIES[prefix](secret).verify(body, headers)
    # Half a signature is no base64, which one of them tells in its own way.
    except (standardwebhooks.WebhookVerificationError, svix.WebhookVerificationError, ValueError):
        return False
    return True


asked = json.load(sys.stdin)
cases = [
    {
        "name": f"{prefix}: {name}",
        "headers": headers,
        "body": body,
        "taken": is_taken(prefix, asked["secret"], headers, body),
    }
    for prefix in LIBRARIES
    for name, headers, body in variants(prefix, asked["secret"], asked["body"])
]
json.dump(cases, sys.stdout)
