"""Keys of flows with target totals: the prior table, the totals of zones, and of blocks of zones."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from .fields import Column, Strict
from .flows import FlowsConfig
from .table import FileConfig

_UNKNOWN = "a prior has a number for every pair: zero where nobody can go, a small one where few may"


class PriorConfig(FlowsConfig):
    """The table that the flows are to be near; a pair that is not listed, or is zero, has no flow."""

    absent_pairs: Literal["zero"] = Field("zero", description="a pair that is not listed has no flow")

    @field_validator("absent_pairs", mode="before")
    @classmethod
    def _none_unknown(cls, value: object) -> object:
        if value != "zero":
            raise ValueError(f'{_UNKNOWN}; absent_pairs is "zero"')
        return value

    @model_validator(mode="after")
    def _only_what_is_used(self) -> Self:
        if self.missing_values:
            raise ValueError(f"{_UNKNOWN}; it has no missing_values")
        if self.distance is not None:
            raise ValueError("distance belongs to models that are fitted; here the prior replaces it")
        return self


class BlocksConfig(FileConfig):
    """Flows between groups of zones, one row a block; a block that is not listed has no target."""

    origin: Column = Field(description="column with the group that people come from")
    destination: Column = Field(description="column with the group they go to")
    flow: Column = Field(description="column with how many they are")


class TotalsConfig(FileConfig):
    """The zones, one row each, and what is known of their flows; a blank cell is an unknown total."""

    id: Column = Field(description="column with the label that the flow table uses")
    outflow: Column | None = Field(None, description="column with the sum of the flows from each zone")
    inflow: Column | None = Field(None, description="column with the sum of the flows to it")
    net: Column | None = Field(None, description="column with net migration, inflow less outflow")
    group: Column | None = Field(None, description="column with the group of each zone, for blocks")
    block: BlocksConfig | None = Field(None, description="flows between groups")

    @property
    def of_zones(self) -> dict[str, str]:
        """Column of each kind of total that zones have."""
        named = {"outflow": self.outflow, "inflow": self.inflow, "net": self.net}
        return {kind: column for kind, column in named.items() if column is not None}

    @model_validator(mode="after")
    def _something_given(self) -> Self:
        if (self.group is None) != (self.block is None):
            raise ValueError("group and [totals.block] go together: blocks are of groups of zones")
        if not self.of_zones and self.block is None:
            raise ValueError("name a total: outflow, inflow, net, or [totals.block] with group")
        return self


class BalanceTables(Strict):
    """The two sections."""

    flows: PriorConfig
    totals: TotalsConfig

    @property
    def files(self) -> list[Path]:
        """The files of flows, totals and blocks."""
        block = self.totals.block
        return [self.flows.file, self.totals.file, *([block.file] if block else [])]
