"""Signs a body as a sender would, with none of our own code.

Reads {"secret", "body", "id", "age_seconds"} and prints the headers of both schemes.
"""

import hashlib
import hmac
import json
import sys
from datetime import datetime, timedelta, timezone

from standardwebhooks import Webhook

asked = json.load(sys.stdin)
secret, body, message = asked["secret"], asked["body"], asked["id"]
signed_at = datetime.now(timezone.utc) - timedelta(seconds=asked["age_seconds"])
json.dump(
    {
        "x-webhook-signature": "sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest(),
        "webhook-id": message,
        "webhook-timestamp": str(int(signed_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, signed_at, body),
    },
    sys.stdout,
)
