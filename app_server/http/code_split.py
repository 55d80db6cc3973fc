"""How a package's compiled modules are divided into files.

A page loads the files with the code that its first form needs. Few large files would bring along
much that it does not need, one per module costs a request each. So modules that are needed by the
same forms go together, and then those whose union costs the pages less than a request more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from app_server.http.code_graph import Graph, find_needed

#: What a request more costs, in bytes of Python: some 4 KB on the wire, compiled and compressed.
REQUEST_BYTES = 1500
#: What a module brings along however short it is.
MODULE_BYTES = 150


def split_modules(graph: Graph, sizes: Mapping[str, int], forms: Sequence[str]) -> list[list[str]]:
    """Groups of the modules in ``sizes`` (bytes of Python by full name); both the groups and what
    is in each are in an order that depends on nothing else."""
    users: dict[str, int] = defaultdict(int)
    for index, form in enumerate(sorted(forms)):
        for name in find_needed(graph, [form]):
            users[name] |= 1 << index
    together: dict[int, list[str]] = defaultdict(list)
    for name in sorted(sizes):
        together[users[name]].append(name)
    groups = [
        (sum(sizes[name] + MODULE_BYTES for name in names), bits, names)
        for bits, names in together.items()
    ]
    return sorted(sorted(names) for _, _, names in _merge(groups))


Group = tuple[int, int, list[str]]


def _merge(groups: list[Group]) -> list[Group]:
    """From the smallest on, join each group with the one it goes best with, if that is a gain."""
    done: list[Group] = []
    waiting = sorted(groups, key=lambda group: (group[0], group[2]))
    while waiting:
        group = waiting.pop(0)
        costs = [(_cost_of_union(group, other), index) for index, other in enumerate(waiting)]
        cost, index = min(costs, default=(1, 0))
        if cost > 0:
            done.append(group)
            continue
        size, bits, names = waiting.pop(index)
        joined = (group[0] + size, group[1] | bits, group[2] + names)
        waiting.append(joined)
        waiting.sort(key=lambda group: (group[0], group[2]))
    return done


def _cost_of_union(a: Group, b: Group) -> int:
    """Bytes that all forms together load more when two groups are one file; below 0 is a gain."""
    size_a, bits_a, _ = a
    size_b, bits_b, _ = b
    united = (bits_a | bits_b).bit_count() * (size_a + size_b + REQUEST_BYTES)
    apart = bits_a.bit_count() * (size_a + REQUEST_BYTES)
    apart += bits_b.bit_count() * (size_b + REQUEST_BYTES)
    return united - apart
