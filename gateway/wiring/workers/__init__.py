"""Several processes that serve one listener, and the supervisor that keeps them."""
