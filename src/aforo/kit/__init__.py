"""Small things without opinion that every room may use."""
