"""Bad inputs as a user meets them: one command, its exit status, and the line it leaves in issues.csv."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import preloaded
import pytest
import tomli_w


@dataclass(frozen=True)
class Outcome:
    """What one run of a command left.

    Attributes:
        status: Exit status.
        text: What it printed, both streams.
        issues: The lines of issues.csv as text by column name; none where the file is absent.
        folder: The run's folder.
    """

    status: int
    text: str
    issues: list[dict[str, str]]
    folder: Path

    def only(self, code: str) -> dict[str, str]:
        """Give the one error there is, which stopped the run with status 3, has this code and says what to do."""
        errors = [issue for issue in self.issues if issue["severity"] == "error"]
        assert self.status == 3, self.text
        assert [issue["code"] for issue in errors] == [code]
        return self._complete(errors[0])

    def first(self, code: str) -> dict[str, str]:
        """Give the first of several errors with this code; the run stopped with status 3."""
        assert self.status == 3, self.text
        return self._complete(next(issue for issue in self.issues if issue["code"] == code))

    def warning(self, code: str) -> dict[str, str]:
        """Give the first warning with this code of a run that went through."""
        assert self.status == 0, self.text
        return self._complete(next(issue for issue in self.issues if issue["code"] == code))

    def _complete(self, issue: dict[str, str]) -> dict[str, str]:
        assert "Traceback" not in self.text
        assert issue["file"]
        assert issue["rule"]
        assert issue["fix"]
        if issue["severity"] == "error":
            assert issue["code"] in self.text
        return issue


Build = Callable[[dict[str, Any]], Outcome]


@pytest.fixture(scope="session")
def commands() -> Iterator[preloaded.Preloaded]:
    """Starts commands; tests/test_preloaded.py shows that they are what a user starts."""
    with preloaded.Preloaded(preloaded.MAPS) as commands:
        yield commands


@pytest.fixture
def build(tmp_path: Path, commands: preloaded.Preloaded) -> Build:
    """Runs build_zones.py on a [zones] section, as a user would; relative paths start at the test's folder."""

    def run(section: dict[str, Any]) -> Outcome:
        tables = {"run": {"name": "bad"}, "zones": section, "model": {"years": [2010, 2020]}}
        return _run(commands, "build_zones", tables, tmp_path)

    return run


@pytest.fixture
def fit_flows(tmp_path: Path, commands: preloaded.Preloaded) -> Build:
    """Runs fit_flows.py on the sections of a configuration, as a user would; a model is added."""

    def run(sections: dict[str, Any]) -> Outcome:
        model = {"constraint": "unconstrained", "law": "power"}
        tables = {"run": {"name": "bad"}, **sections, "model": model | sections.get("model", {})}
        return _run(commands, "fit_flows", tables, tmp_path)

    return run


@pytest.fixture
def balance_flows(tmp_path: Path, commands: preloaded.Preloaded) -> Build:
    """Runs balance_flows.py on the sections of a configuration, as a user would."""

    def run(sections: dict[str, Any]) -> Outcome:
        return _run(commands, "balance_flows", {"run": {"name": "bad"}, **sections}, tmp_path)

    return run


def _run(commands: preloaded.Preloaded, command: str, tables: dict[str, Any], folder: Path) -> Outcome:
    config, out = folder / "config.toml", folder / "out"
    config.write_text(tomli_w.dumps(tables), encoding="utf-8")
    done = commands.run(command, config, "--out", out)
    written = out / "issues.csv"
    text = written.read_text(encoding="utf-8") if written.is_file() else ""
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    return Outcome(done.returncode, done.stdout + done.stderr, lines, out)
