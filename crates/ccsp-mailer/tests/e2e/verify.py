"""Verifies deliveries as their receiver would, with none of our own code.

Reads {"secret", "deliveries": [{"headers", "body"}]} and prints the names of the events, in order. Fails if a signature
does not hold, or holds for another body, too.
"""

import hashlib
import hmac
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def hexadecimal(secret, body):
    return "sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def verify(secret, headers, body):
    if not hmac.compare_digest(headers["x-webhook-signature"], hexadecimal(secret, body)):
        raise SystemExit("X-Webhook-Signature does not hold")
    event = Webhook(secret).verify(body, headers)
    try:
        Webhook(secret).verify(body + " ", headers)
    except WebhookVerificationError:
        return event["event"]
    raise SystemExit("webhook-signature holds for any body")


asked = json.load(sys.stdin)
events = [verify(asked["secret"], sent["headers"], sent["body"]) for sent in asked["deliveries"]]
json.dump(events, sys.stdout)
