"""Runs policy documents as a gateway of API Management does, with a closed list of policies and of C#.

What stands outside the lists is never passed over: it raises NotEmulated, and the call is answered with 501 and the
name of what is missing. Facts: the vendor's policy reference and its list of .NET types in expressions. Nothing here
was recorded from a real service.
"""


class NotEmulated(Exception):
    """A policy, an attribute or a piece of C# that Azure may well know and the emulator does not."""
