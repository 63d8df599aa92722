"""The data path: callers' connections, the pipeline, the upstream client, the record of each request."""
