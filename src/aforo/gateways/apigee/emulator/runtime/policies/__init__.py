"""The policies that this emulator executes, by the name of their root element."""

from ..machine import Background, Run
from ..surroundings import Surroundings
from . import caches, callout, keys, maps, messages, quota, script


def policies(around: Surroundings, background: Background) -> dict[str, Run]:
    return {
        "KeyValueMapOperations": maps.Maps(around).run,
        "VerifyAPIKey": keys.VerifyApiKey(around).run,
        "OAuthV2": keys.VerifyAccessToken(around).run,
        "Quota": quota.Quotas(around).run,
        "LookupCache": caches.Lookup(around).run,
        "PopulateCache": caches.Populate(around).run,
        "AssignMessage": messages.assign,
        "RaiseFault": messages.raise_fault,
        "ExtractVariables": messages.extract,
        "Javascript": script.Scripts(around, background).run,
        "ServiceCallout": callout.Callouts(around, background).run,
    }
