"""The store: the only SQL of the gateway, on PostgreSQL 14 or newer. It decides nothing that core can decide."""
