"""Settings to running objects: the only place that knows concrete classes."""
