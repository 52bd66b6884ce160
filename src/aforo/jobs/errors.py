"""How a job can end without any fault of its own."""

from aforo.kit.errors import Overloaded


class Interrupted(Overloaded):
    """The process ended while the job ran; what the job had done by then stands, and nothing more is known."""

    code = "interrupted"
