"""What executes a bundle: messages, flow variables, conditions, policies, and the flow hooks around a proxy.

It reads Apigee's documented XML and knows no bundle in particular. Where it is not certain what Apigee does, the
docstring beside it says so; a policy or an element that it does not know makes the deployment fail, never pass.
"""

from .hooks import Hooks
from .machine import Machine

__all__ = ["Hooks", "Machine"]
