"""HTTP APIs (API Gateway v2), held here and not in moto: routes, authorizers, stages, import and export."""

from aforo.gateways.aws.emulator.http import apis, children, stages, tags

HANDLERS = {**apis.HANDLERS, **children.HANDLERS, **stages.HANDLERS, **tags.HANDLERS}
