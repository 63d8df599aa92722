"""An integration as it is shown: its tokens with their roles, the rotation under way, and when the next one is due."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.admin.management.views import ActorView, IntegrationView, RotationView, TokenRole, TokenView
from gateway.storage.accounts import Account
from gateway.storage.integration_state import Integration, Token


def integration_view(integration: Integration, account: Account, remind_after: timedelta) -> IntegrationView:
    """The view; `remind_after` is what holds where the account has not set its own."""
    own_days = account.rotation_remind_after_days
    return IntegrationView(
        id=integration.id,
        account_id=integration.account_id,
        name=integration.name,
        description=integration.description,
        scopes=integration.scopes,
        state=integration.state,
        tokens=tuple(_token(token, _role(token, integration)) for token in integration.tokens),
        rotation=_rotation(integration),
        rotation_due_at=_due(integration, remind_after if own_days is None else timedelta(days=own_days)),
        created_at=integration.created_at,
        created_by=ActorView(**integration.created_by),
        version=integration.version,
    )


def _role(token: Token, integration: Integration) -> TokenRole:
    if integration.old is None:
        return TokenRole.CURRENT
    return TokenRole.OLD if token is integration.old else TokenRole.NEW


def _token(token: Token, role: TokenRole) -> TokenView:
    return TokenView(
        id=token.id,
        hint=token.hint,
        role=role,
        created_at=token.created_at,
        expires_at=token.ends_at,
        first_used_at=token.first_used_at,
        last_used_at=token.last_used_at,
    )


def _rotation(integration: Integration) -> RotationView | None:
    old = integration.old
    if old is None or old.rotation_started_at is None or old.ends_at is None:
        return None
    return RotationView(started_at=old.rotation_started_at, ends_at=old.ends_at)


def _due(integration: Integration, remind_after: timedelta) -> datetime | None:
    return None if integration.current is None else integration.current.created_at + remind_after
