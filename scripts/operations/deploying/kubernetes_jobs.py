"""CronJobs: backups every hour, and every week the proof that they can be restored."""

from __future__ import annotations

from scripts.operations.deploying.container import BACKUPS, command_of
from scripts.operations.deploying.kubernetes_pods import (
    APP,
    Manifest,
    add_backups,
    make_container,
    make_manifest,
    make_pod,
)
from scripts.operations.deploying.settings import Settings

BACKUP_SCHEDULE = "7 * * * *"
DRILL_SCHEDULE = "37 3 * * 0"
JOB_MEMORY = "1Gi"
BACKUP_SECONDS = 3000
DRILL_SECONDS = 6 * 3600


def make_jobs(settings: Settings) -> list[Manifest]:
    backup = command_of("instance", "backup", "--all", "--to", BACKUPS)
    drill = command_of("instance", "drill", "--all", "--from", BACKUPS)
    return [
        _make_job(settings, "backup", BACKUP_SCHEDULE, backup, BACKUP_SECONDS),
        _make_job(settings, "drill", DRILL_SCHEDULE, drill, DRILL_SECONDS),
    ]


def _make_job(
    settings: Settings, name: str, schedule: str, command: list[str], seconds: int
) -> Manifest:
    pod = make_pod(settings, [make_container(name, settings, command, JOB_MEMORY)])
    pod["restartPolicy"] = "Never"
    add_backups(pod)
    if settings.is_embedded:
        # The volume can be mounted on one node at a time: go where the server is.
        pod["affinity"] = {
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {
                            "matchLabels": {
                                APP: "mybizz",
                                "app.kubernetes.io/component": "server",
                            }
                        },
                    }
                ]
            }
        }
    labels = {APP: "mybizz", "app.kubernetes.io/component": "job"}
    spec = {
        "schedule": schedule,
        "timeZone": "Etc/UTC",
        # One that is still busy is not overtaken; one that was missed for an hour is made up for.
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 5,
        "jobTemplate": {
            "spec": {
                "backoffLimit": 2,
                "activeDeadlineSeconds": seconds,
                "ttlSecondsAfterFinished": 7 * 24 * 3600,
                "template": {"metadata": {"labels": labels}, "spec": pod},
            }
        },
    }
    return make_manifest("batch/v1", "CronJob", name, settings, spec=spec)
