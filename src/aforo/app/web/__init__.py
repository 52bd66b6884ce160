"""The web console's look: shell, parts, stylesheet, small scripts and the renderer that rooms hand their pages to."""
