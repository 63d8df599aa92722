"""Private Integrations Gateway: a proxy that checks tokens, enforces scopes and vouches for the caller."""
