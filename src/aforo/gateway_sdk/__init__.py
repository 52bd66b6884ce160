"""All that the author of a gateway imports, besides the kit. See README.md for a tour."""
