"""What a config says of one census year-book."""

from typing import Literal

from pydantic import Field

from .fields import File, Strict
from .table import Day, PublishedConfig


class YearbookConfig(Strict):
    """One year-book, read by the adapter written for it."""

    file: File = Field(description="Excel workbook of the year-book")
    adapter: str = Field(description="the reader of this year-book, such as `china_2010` or `china_2020`")
    date: Day = Field(description="day that the census counts, e.g. 2010-11-01")
    definition: Literal["resident"] = Field(description="whom the kept residents are: those who live there")
    corrections: File | None = Field(None, description="table of misprints: file, line, column, found, use, reason")
    published: PublishedConfig | None = Field(None, description="the published total, to check the sum against")
