"""The processes, and the only place that chooses parts."""
