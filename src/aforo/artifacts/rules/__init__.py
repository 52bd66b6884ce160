"""What follows from what an operator asked for; no I/O."""
