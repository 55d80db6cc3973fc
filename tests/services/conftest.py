"""Fixtures of the services' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.services.doubles import MailReceiver


@pytest.fixture
async def mail_receiver() -> AsyncIterator[MailReceiver]:
    receiver = MailReceiver()
    yield receiver
    receiver.stop()
