"""What axe finds on a page: rules that a machine can check, of which none of weight may be broken."""

from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_OF_WEIGHT: Final = ("serious", "critical")
_AXE: Final = Axe()


def barriers(page: Page) -> list[str]:
    """Each broken rule of weight with the elements that break it, as the page stands now."""
    found = _AXE.run(page).response["violations"]
    return [
        f"{rule['impact']}: {rule['help']} ({rule['id']}) at {node['html'][:200]}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in _OF_WEIGHT
        for node in rule["nodes"]
    ]
