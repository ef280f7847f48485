"""Verifies deliveries as their receiver would, with none of our own code.

Reads {"secret", "deliveries": [{"headers", "body"}]} and prints the names of the events, in order. Fails if a signature
does not hold, or holds for another body, too. With "is_old" the secret is the one before, which signs by the published
scheme alone.
"""

import hashlib
import hmac
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def hexadecimal(secret, body):
    return "sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def verify(secret, headers, body, is_old):
    if hmac.compare_digest(headers["x-webhook-signature"], hexadecimal(secret, body)) == is_old:
        raise SystemExit("X-Webhook-Signature is not that of the new secret")
    event = Webhook(secret).verify(body, headers)
    try:
        Webhook(secret).verify(body + " ", headers)
    except WebhookVerificationError:
        return event["event"]
    raise SystemExit("webhook-signature holds for any body")


asked = json.load(sys.stdin)
is_old = asked.get("is_old", False)
events = [verify(asked["secret"], sent["headers"], sent["body"], is_old) for sent in asked["deliveries"]]
json.dump(events, sys.stdout)
