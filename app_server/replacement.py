"""Gives a running instance another configuration, without anybody being refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from app_server.config import InstanceConfig
from app_server.http.problems import refuse_for_now
from app_server.instance import Instance
from app_server.workers import Workers

logger = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""How long what runs in an instance that is replaced may go on."""


async def change_instance(
    old: Instance,
    config: InstanceConfig,
    workers: Workers,
    host: Callable[[Instance], None],
) -> Instance:
    """The instance that has the new configuration: the same one, where that can be. Else whoever
    comes waits until what runs has ended and another instance is there, which ``host`` is given.
    StartupError where that one does not start; then one with the old configuration serves."""
    if old.take_config(config):
        logger.info("[%s] The configuration was read anew", old.name)
        host(old)
        await old.reload.check(is_forced=True)
        return old
    old.gate.hold()
    try:
        return await _replace(old, config, workers, host)
    except BaseException:
        old.gate.release(old.gate.successor or refuse_for_now)
        raise


async def _replace(
    old: Instance,
    config: InstanceConfig,
    workers: Workers,
    host: Callable[[Instance], None],
) -> Instance:
    await end_instance(old)
    problem: Exception | None = None
    for chosen in (config, old.config):
        try:
            new = await asyncio.to_thread(Instance, chosen, workers)
            await new.start()
        except Exception as error:  # noqa: BLE001  told below, once the old one is back
            problem = problem or error
            continue
        host(new)
        old.gate.release(new.entrance)
        if problem is not None:
            raise problem
        logger.info("[%s] An instance with the new configuration took over", new.name)
        return new
    assert problem is not None
    raise problem


async def end_instance(instance: Instance) -> None:
    """Let what runs in it end, for a while, and stop it."""
    instance.leave()
    try:
        await asyncio.wait_for(instance.wait_until_idle(), IDLE_SECONDS)
    except TimeoutError:
        logger.warning("[%s] What takes longer than %g s is cut off", instance.name, IDLE_SECONDS)
    await instance.stop()
