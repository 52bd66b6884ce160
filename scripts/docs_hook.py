"""Adds to the documentation what the code says of itself: gateways' manifests and READMEs, and the rooms' READMEs.

Built from the project's root with `python -m mkdocs`, which finds `scripts` there.
"""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from scripts.docs_pages import pages, sections


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Hang the made pages into the navigation, behind what the sections of their names already list."""
    made = sections()
    config.nav = [
        {title: [*entry[title], *made[title]]} if (title := next(iter(entry))) in made else entry
        for entry in config.nav or []
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files
