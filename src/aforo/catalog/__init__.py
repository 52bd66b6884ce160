"""Products: discover, preview, import, drift, restore."""
