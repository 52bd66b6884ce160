"""Our own look at a bundle, for what apigeelint does not report: the manifest's lists, scripts, secrets' variables."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import dukpy
from lxml import etree

_ROOT: Final = "sharedflowbundle/"
_NEWER: Final = re.compile(r"\b(let|const|class|async|await)\b|=>|`")
_TEXTS: Final = re.compile(r"//[^\n]*|'(?:\\.|[^'\\])*'|/(?:\\.|[^/\n\\])+/[gi]*\.")


def faults(files: Mapping[str, bytes]) -> list[str]:
    """In words; none for a bundle that is in order."""
    return list(_faults({name.removeprefix(_ROOT): content for name, content in files.items()}))


def _faults(files: dict[str, bytes]) -> Iterator[str]:
    manifests = [name for name in files if "/" not in name and name.endswith(".xml")]
    if len(manifests) != 1:
        yield f"there are {len(manifests)} manifests"
        return
    manifest = etree.fromstring(files[manifests[0]])
    policies = {_stem(name): etree.fromstring(file) for name, file in files.items() if name.startswith("policies/")}
    scripts = {name.removeprefix("resources/jsc/") for name in files if name.startswith("resources/jsc/")}
    yield from _differences("policies", {one.text for one in manifest.iterfind("Policies/Policy")}, set(policies))
    listed = {(one.text or "").removeprefix("jsc://") for one in manifest.iterfind("Resources/Resource")}
    yield from _differences("scripts", listed, scripts)
    steps = {one.text for one in etree.fromstring(files["sharedflows/default.xml"]).iterfind("Step/Name")}
    yield from _differences("steps", steps, set(policies))
    for name, policy in policies.items():
        yield from _policy(name, policy, scripts)
    for name in scripts:
        yield from _script(name, files[f"resources/jsc/{name}"].decode())


def _differences(what: str, one: set[Any], other: set[Any]) -> Iterator[str]:
    for name in sorted(one ^ other):
        yield f"{what}: {name} stands on one side only"


def _policy(name: str, policy: Any, scripts: set[str]) -> Iterator[str]:
    if policy.get("name") != name:
        yield f"{name} calls itself {policy.get('name')}"
    for get in policy.iterfind("Get"):
        if policy.tag == "KeyValueMapOperations" and not get.get("assignTo", "").startswith("private."):
            yield f"{name} reads a secret into {get.get('assignTo')}"
    for tag in ("ResourceURL", "IncludeURL"):
        for one in policy.iterfind(tag):
            if (one.text or "").removeprefix("jsc://") not in scripts:
                yield f"{name} names the script {one.text}"
    continues = policy.get("continueOnError") == "true"
    if continues == (policy.tag == "RaiseFault"):
        yield f"{name}: continueOnError is {policy.get('continueOnError')}"
    address = policy.findtext("HTTPTargetConnection/URL") or ""
    if address.startswith("https:") and policy.findtext("HTTPTargetConnection/SSLInfo/Enforce") != "true":
        yield f"{name} does not enforce certificates"


def _script(name: str, source: str) -> Iterator[str]:
    if _NEWER.search(_TEXTS.sub("", source)):
        yield f"{name} is newer than ES5"
    try:
        dukpy.evaljs(f"(function () {{{source}\n}}); 1")
    except dukpy.JSRuntimeError as fault:
        yield f"{name} cannot be read: {str(fault).splitlines()[0]}"


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".xml")
