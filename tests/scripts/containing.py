"""A container without a container engine: the manifests' account, mounts and rights, by the kernel.

A mount namespace whose root is read-only, with the checkout where the image has it, and in it an
account without any right (unshare(1), setpriv(1), both of util-linux). It needs root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.scripts.running import ROOT

PROJECT = "/srv/mybizz"
SCRIPT = """\
set -eu
root=$1 project=$2 prefix=$3 user=$4; shift 4
mount -t tmpfs -o mode=755 tmpfs "$root"
for name in bin sbin lib lib64 usr etc; do
  if [ -L "/$name" ]; then cp -a "/$name" "$root/$name"
  elif [ -d "/$name" ]; then
    mkdir "$root/$name"; mount --bind "/$name" "$root/$name"; mount -o remount,ro,bind "$root/$name"
  fi
done
mkdir -p "$root/proc" "$root/dev" "$root/run"
mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"
case "$prefix" in /usr*) ;; *)
  mkdir -p "$root$prefix"; mount --bind "$prefix" "$root$prefix"
  mount -o remount,ro,bind "$root$prefix";;
esac
mkdir -p "$root/srv/mybizz"; mount --bind "$project" "$root/srv/mybizz"
mount -o remount,ro,bind "$root/srv/mybizz"
while [ "$1" != -- ]; do
  mkdir -p "$root$2"
  case "$1" in
    tmpfs) mount -t tmpfs -o mode=1777 tmpfs "$root$2";;
    *) mount --bind "$1" "$root$2"; [ "$3" = rw ] || mount -o remount,ro,bind "$root$2";;
  esac
  shift 3
done
shift
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs \\
  --bounding-set=-all --inh-caps=-all env --chdir=/srv/mybizz -i "$@"
"""


def is_possible() -> bool:
    """Whether this machine lets us."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


def image_environment() -> dict[str, str]:
    """What ``deploy/Containerfile`` sets, and Debian's path."""
    text = (ROOT / "deploy" / "Containerfile").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    found = dict(word.split("=", 1) for word in line.split())
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **found}


@dataclass(frozen=True)
class Container:
    """What a manifest says of a container. ``mounts`` are folders by their path inside, with
    whether they can be written; ``scratch`` are empty ones that can."""

    folder: Path
    user: int
    environment: Mapping[str, str]
    mounts: Mapping[str, tuple[Path, bool]]
    scratch: Sequence[str]

    def command(self, words: Sequence[str]) -> list[str]:
        """What runs ``words`` in it; the process that is started becomes that program."""
        self.folder.mkdir(exist_ok=True)
        mounts: list[str] = []
        for path, (source, is_writable) in self.mounts.items():
            mounts += [str(source), path, "rw" if is_writable else "ro"]
        for path in self.scratch:
            mounts += ["tmpfs", path, "rw"]
        environment = {**image_environment(), **self.environment}
        return [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh"),
            *(str(self.folder), str(ROOT), sys.base_prefix, str(self.user)),
            *(*mounts, "--"),
            *(f"{name}={value}" for name, value in environment.items()),
            *words,
        ]

    def run(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(words), capture_output=True, text=True, timeout=timeout)
