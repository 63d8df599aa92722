"""The settings pages: what members see in the browser. They say and show; what may be done is decided by the management."""
