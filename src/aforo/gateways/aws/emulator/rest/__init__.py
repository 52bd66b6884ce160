"""REST APIs (API Gateway v1), held here and not in moto: what is edited, what is deployed, and who may call."""

from aforo.gateways.aws.emulator.rest import apis, keys, methods, parts, plans, resources, stages, tags

HANDLERS = {
    **apis.HANDLERS,
    **resources.HANDLERS,
    **methods.HANDLERS,
    **parts.HANDLERS,
    **stages.HANDLERS,
    **plans.HANDLERS,
    **keys.HANDLERS,
    **tags.HANDLERS,
}
