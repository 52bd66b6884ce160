"""Azure's JSON and policy documents ⇄ our values. Pure."""
