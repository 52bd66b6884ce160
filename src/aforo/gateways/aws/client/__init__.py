"""AWS over HTTP: signing, sign-in by role or key, paging, and AWS's errors in our words."""

from aforo.gateways.aws.client.aws import Aws, Place
from aforo.gateways.aws.client.sessions import AssumedRole, FixedKeys, Session
from aforo.gateways.aws.client.wire import Keys

__all__ = ["AssumedRole", "Aws", "FixedKeys", "Keys", "Place", "Session"]
