"""Anypoint's JSON ⇄ our values, pure."""
