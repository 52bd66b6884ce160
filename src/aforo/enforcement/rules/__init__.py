"""Whether a call may pass, how much is given out at once, what it earns: pure, exact integers."""
