"""AWS's JSON ⇄ our values: the canonical form, products and entities, documents and patches. Pure."""
