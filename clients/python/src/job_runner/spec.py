"""The fields of a job's specification. All are optional; the service fills in the rest."""

from __future__ import annotations

from typing import Dict, Sequence, TypedDict, Union

# No Literal for the choices: what a service takes is for it to say, in its answer.


class AllowList(TypedDict):
    """What a job may connect to: ``{"allow": ["api.example.org", "*.example.com:443"]}``."""

    allow: Sequence[str]


class Spec(TypedDict, total=False):
    runtime: str
    entry: str
    args: Sequence[str]
    timeout_sec: int
    cpu_limit: float
    mem_limit_mb: int
    pids_limit: int
    disk_limit_mb: int
    output_limit_mb: int
    net_policy: Union[str, AllowList]
    env: Dict[str, str]
    stdin: str
    labels: Dict[str, str]
    split_output: bool
    workspace: str
    callback_url: str
