"""Options of a deployment on Ray Serve: replicas, their cores, the cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zoo.runtime.errors import UserError


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """Options of a deployment.

    Attributes:
        replicas: their number, "2", or a range in which Ray chooses it by the load, "1:4".
        cpus: cores of each replica.
        cluster: address of a running cluster, such as "ray://HOST:10001" or "auto"; "" starts one on this machine.
    """

    replicas: str = "1"
    cpus: float = 1.0
    cluster: str = ""

    def __post_init__(self):
        if not re.fullmatch(r"[1-9]\d{0,3}(:[1-9]\d{0,3})?", self.replicas) or self.most < self.least:
            raise UserError(f"Expected --replicas such as 2, or 1:4 for a range. Received: {self.replicas!r}.")
        if not self.cpus > 0:
            raise UserError(f"Expected --cpus above 0. Received: {self.cpus}.")

    @property
    def least(self) -> int:
        """The least number of replicas."""
        return int(self.replicas.partition(":")[0])

    @property
    def most(self) -> int:
        """The greatest number of replicas."""
        return int(self.replicas.rpartition(":")[2])
