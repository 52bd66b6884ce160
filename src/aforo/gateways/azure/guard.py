"""The deletion guard: an Azure Policy definition by which nobody deletes the products that are sold.

Azure Policy's effect `denyAction` refuses DELETE, the one action that it knows, for whoever calls. It sees no tags of
API Management, which are no tags of Resource Manager, so the products are named when it is assigned. Aforo's own
products of plans are left out, since Aforo removes them itself. What it does not refuse: overwriting, unlinking an API,
and deleting the service with all that is in it; a lock is the thing for that.
Source: the vendor's reference of Azure Policy's effects. Not tried against Azure.
"""

import json
from typing import Any, Final

from aforo.gateway_sdk.contract import Document

NAME: Final = "aforo-deletion-guard"
_TYPE: Final = "Microsoft.ApiManagement/service/products"
_SCHEMA: Final = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"


def guard() -> Document:
    """A template for `az deployment sub create`. It defines the policy; to assign it is the operator's."""
    template = {
        "$schema": _SCHEMA,
        "contentVersion": "1.0.0.0",
        "resources": [
            {
                "type": "Microsoft.Authorization/policyDefinitions",
                "apiVersion": "2023-04-01",
                "name": NAME,
                "properties": _definition(),
            }
        ],
        "outputs": {
            "policyDefinitionId": {
                "type": "string",
                "value": f"[subscriptionResourceId('Microsoft.Authorization/policyDefinitions', '{NAME}')]",
            }
        },
    }
    return Document(f"{NAME}.json", "application/json", json.dumps(template, indent=2) + "\n")


def _definition() -> dict[str, Any]:
    """Mode All, since products are no resources with a location. `[[` keeps an expression for the policy to read."""
    return {
        "displayName": "Keep products that are sold through Aforo from being deleted",
        "description": "Refuses to delete the named products of API Management; with the name *, every product.",
        "policyType": "Custom",
        "mode": "All",
        "parameters": {
            "productNames": {
                "type": "Array",
                "metadata": {"displayName": "Names (ids) of the products that are sold, or *"},
                "defaultValue": ["*"],
            }
        },
        "policyRule": {
            "if": {
                "allOf": [
                    {"field": "type", "equals": _TYPE},
                    {"field": "name", "notLike": "aforo-plan-*"},
                    {
                        "anyOf": [
                            {"value": "*", "in": "[[parameters('productNames')]"},
                            {"field": "name", "in": "[[parameters('productNames')]"},
                        ]
                    },
                ]
            },
            "then": {"effect": "denyAction", "details": {"actionNames": ["delete"]}},
        },
    }
