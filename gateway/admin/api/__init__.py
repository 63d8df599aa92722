"""The management API over HTTP: a table of calls, how each is parsed and answered, and its description."""
