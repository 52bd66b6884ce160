"""MuleSoft Anypoint as a gateway of Aforo."""
