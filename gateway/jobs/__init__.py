"""What happens by time rather than by a request. It may use everything below the wiring, and serves nobody."""
