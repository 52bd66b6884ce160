"""One folder a gateway; `gateway_sdk.registry` finds them."""
