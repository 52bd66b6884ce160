"""What is decided without looking at anything: periods, prices, statements, states."""
