"""Change the release of an instance: forward, back, and out of every state a kill leaves."""

from __future__ import annotations

from scripts.operations.upgrading.attending import attend, settle_all
from scripts.operations.upgrading.changing import MAX_WAIT_SECONDS, Changed
from scripts.operations.upgrading.directing import (
    RollbackPlan,
    check_upgrade,
    find_failure,
    plan_rollback,
    rollback_instance,
    upgrade_instance,
)
from scripts.operations.upgrading.journal import Journal, Phase, read_journal
from scripts.operations.upgrading.planning import UpgradePlan, plan_upgrade
from scripts.operations.upgrading.recovering import is_interrupted, recover, recover_all
from scripts.operations.upgrading.rehearsing import rehearse

__all__ = [
    "MAX_WAIT_SECONDS",
    "Changed",
    "Journal",
    "Phase",
    "RollbackPlan",
    "UpgradePlan",
    "attend",
    "check_upgrade",
    "find_failure",
    "is_interrupted",
    "plan_rollback",
    "plan_upgrade",
    "read_journal",
    "recover",
    "recover_all",
    "rehearse",
    "rollback_instance",
    "settle_all",
    "upgrade_instance",
]
