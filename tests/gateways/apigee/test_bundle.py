"""The bundle that Aforo installs is in order, and each look at it finds what it is for."""

from collections.abc import Callable

import pytest

from aforo.gateways.apigee.artifact import bundle
from aforo.gateways.apigee.artifact.bundle import FLOW, Wrapped
from tests.gateways.apigee.bundle_lint import faults

POLICIES = "sharedflowbundle/policies/"
SCRIPTS = "sharedflowbundle/resources/jsc/"
MANIFEST = "sharedflowbundle/aforo-metering.xml"
FILES = dict[str, bytes]


def changed(name: str, old: str, new: str) -> FILES:
    files = dict(bundle.metering())
    assert old.encode() in files[name]
    return {**files, name: files[name].replace(old.encode(), new.encode())}


def without(name: str) -> FILES:
    return {path: content for path, content in bundle.metering().items() if path != name}


def test_our_bundle_and_our_wrappers_are_in_order() -> None:
    assert faults(bundle.metering()) == []
    wrapper = bundle.wrapper("aforo-wrap-prod-post", Wrapped("theirs", continues=True), continues=True)
    assert [one for one in faults(wrapper) if "continueOnError" not in one] == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda: changed(MANIFEST, "<Policy>VA-Aforo-Key</Policy>", ""), "policies: VA-Aforo-Key"),
        (lambda: changed(MANIFEST, "<Resource>jsc://aforo-ask.js</Resource>", ""), "scripts: aforo-ask.js"),
        (lambda: without(f"{POLICIES}RF-Aforo-Refuse.xml"), "steps: RF-Aforo-Refuse"),
        (lambda: without(f"{SCRIPTS}aforo-shared.js"), "names the script jsc://aforo-shared.js"),
        (lambda: changed(f"{POLICIES}KV-Aforo-Config.xml", '"private.aforo.api_key"', '"aforo.api_key"'), "a secret"),
        (lambda: changed(f"{SCRIPTS}aforo-ask.js", "var isToken", "let isToken"), "newer than ES5"),
        (lambda: changed(f"{SCRIPTS}aforo-ask.js", "(function () {", "(() => {"), "newer than ES5"),
        (lambda: changed(f"{SCRIPTS}aforo-ask.js", "var asks = true", "var asks = = true"), "cannot be read"),
        (lambda: changed(f"{POLICIES}RF-Aforo-Refuse.xml", 'Error="false"', 'Error="true"'), "continueOnError"),
        (lambda: changed(f"{POLICIES}SC-Aforo-Check-Https.xml", "<Enforce>true", "<Enforce>false"), "certificates"),
    ],
)
def test_each_slip_is_found(broken: Callable[[], FILES], told: str) -> None:
    found = faults(broken())
    assert found
    assert any(told in one for one in found), found


def test_the_same_files_make_the_same_bytes_and_a_manifest_that_apigee_wrote_anew_is_no_difference() -> None:
    assert bundle.zipped(bundle.metering()) == bundle.zipped(dict(reversed(list(bundle.metering().items()))))
    again = bundle.unzipped(bundle.zipped(bundle.metering()))
    assert bundle.is_same({**again, MANIFEST: b"<SharedFlowBundle/>"}, bundle.metering())
    assert bundle.version_in(again) == bundle.version() != ""


def test_a_policy_with_other_spaces_is_the_same_and_with_another_value_is_not() -> None:
    name = f"{POLICIES}VA-Aforo-Key.xml"
    assert bundle.is_same(changed(name, "  <APIKey", "\n\n<APIKey"), bundle.metering())
    assert not bundle.is_same(changed(name, "private.aforo.presented", "request.header.x"), bundle.metering())
    assert not bundle.is_same(changed(f"{SCRIPTS}aforo-ask.js", "var asks", "var  asks"), bundle.metering())


def test_a_wrapper_tells_what_it_wraps_and_calls_theirs_before_ours() -> None:
    files = bundle.wrapper("aforo-wrap-prod-pre", Wrapped("security", continues=False), continues=False)
    assert bundle.wrapped(files) == Wrapped("security", continues=False)
    assert bundle.wrapped(bundle.metering()) is None
    steps = files["sharedflowbundle/sharedflows/default.xml"].decode()
    assert steps.index("FC-Theirs") < steps.index("FC-Aforo")
    assert f"<SharedFlowBundle>{FLOW}<" in files[f"{POLICIES}FC-Aforo.xml"].decode()
