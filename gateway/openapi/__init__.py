"""From descriptions of an API (OpenAPI 3.0 and 3.1) to its route map, and to changes of one that people have edited."""
