"""What a customer deploys before Aforo can enter: the role, by link where the template is hosted, else by command."""

from collections.abc import Mapping
from typing import Final, cast

from aforo.gateway_sdk.contract import Document, SetupKit
from aforo.gateways.aws.cloudformation import (
    STACK_NAME,
    Variant,
    deploy_command,
    quick_create_link,
    role_template,
)
from aforo.kit.errors import Conflict, Invalid

_VARIANTS: Final = ("read_only", "full")


class PrincipalMissing(Conflict):
    """This installation has not been told its own AWS principal, whom the role is to trust."""

    code = "aws_principal_missing"


def kit(settings: Mapping[str, str], facts: Mapping[str, str], variant: str) -> SetupKit:
    """The template with this integration's ExternalId. `facts` brings `aws_principal_arn` and `aws_template_url`."""
    if variant not in _VARIANTS:
        raise Invalid(f"There is no variant {variant!r}.", (("/variant", "must be read_only or full"),))
    principal = facts.get("aws_principal_arn")
    if not principal:
        raise PrincipalMissing(
            "The role has to name whom it trusts, and this installation does not know its own AWS principal.",
            next_step="Set AFORO_AWS_PRINCIPAL_ARN, such as arn:aws:iam::123456789012:user/aforo, and restart Aforo.",
        )
    external_id, region = facts["external_id"], settings.get("region", "us-east-1")
    filename = f"aforo-role-{variant.replace('_', '-')}.yaml"
    text = role_template(aforo_principal_arn=principal, external_id=external_id, variant=cast("Variant", variant))
    hosted = facts.get("aws_template_url")
    return SetupKit(
        document=Document(filename, "application/yaml", text),
        external_id=external_id,
        command=deploy_command(filename, region, external_id),
        link=quick_create_link(region, hosted, STACK_NAME, external_id) if hosted else None,
        notes=(
            "The ExternalId belongs to this integration alone; it is no secret.",
            "When the stack is complete, paste its output RoleArn here.",
        ),
    )
