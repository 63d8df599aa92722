"""The cached hash index: digest to caller, kept true to the store by revisions."""
