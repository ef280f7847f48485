"""Keeps the traffic of the attack on this machine: whatever public address it makes up, webhooks go to DESTINATION."""

import os

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if isinstance(body, dict) and str(body.get("url", "")).lower().startswith("http"):
        case.body = {**body, "url": os.environ["DESTINATION"]}
