"""Tutorials are pages whose blocks of Python and shell run, in order, when the site is built.

A block fenced as ```{python} or ```{shell} is shown with what it prints; one fenced as ```{toml} FILE is shown, and
written to that file. The line `<!-- ran -->` becomes a note
that says so. A tutorial that has the line `<!-- needs: FLOWMODEL_DATA -->` instead runs where that folder is set;
elsewhere the page shows the output that is stored beside it, and its note says that. `python -m pages.tutorials NAME`,
called in docs/, runs one and stores its output.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "tutorials"
WORK = ROOT / "runs" / "tutorials"
BLOCK = re.compile(r"^```\{(python|shell|toml)\} ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS = re.compile(r"^<!-- needs: (\w+) -->$", re.MULTILINE)
RAN = re.compile(r"^<!-- (?:ran|needs: \w+) -->$", re.MULTILINE)
SHOWN_AS = {"python": "python", "shell": "bash", "toml": "toml"}
PICTURE = "picture: "
"""A line of output that begins with this names a PNG file that the page shows instead."""


class TutorialError(Exception):
    """A block of a tutorial ended with an error."""


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        language: "python", "shell" or "toml".
        file: the file that a block of TOML is written to; else empty.
        source: its lines.
    """

    language: str
    file: str
    source: str


def blocks(text: str) -> list[Block]:
    """The blocks of a page that run, in their order."""
    return [Block(*match.groups()) for match in BLOCK.finditer(text)]


def names() -> list[str]:
    """The tutorials that have blocks, by the names of their pages."""
    return sorted(file.stem for file in FOLDER.glob("*.md") if blocks(file.read_text(encoding="utf-8")))


def rendered(name: str, text: str) -> str:
    """A page with every block followed by its output."""
    missing = [variable for variable in NEEDS.findall(text) if not os.environ.get(variable)]
    outputs = stored(name, text) if missing else outputs_of(name, text)
    each = iter(outputs)
    page = BLOCK.sub(lambda match: _shown(Block(*match.groups()), next(each)), text)
    note = "This build ran every block below."
    if missing:
        note = f"`{missing[0]}` was not set when this site was built: the output below is stored from an earlier run."
    return RAN.sub(f":::{{note}}\n{note}\n:::", page)


def outputs_of(name: str, text: str) -> list[str]:
    """What each block prints; run once for the same blocks and the same source of the packages.

    Raises:
        TutorialError: a block failed; the message has what it printed.
    """
    kept = WORK / f"{name}.json"
    key = _key(text)
    if kept.is_file() and (known := json.loads(kept.read_text(encoding="utf-8")))["key"] == key:
        return list(known["outputs"])
    WORK.mkdir(parents=True, exist_ok=True)
    outputs = run(blocks(text))
    kept.write_text(json.dumps({"key": key, "outputs": outputs}, ensure_ascii=False, indent=1), encoding="utf-8")
    return outputs


def run(parts: list[Block]) -> list[str]:
    """Runs blocks one after another in the root of the checkout; those of Python share their names.

    Raises:
        TutorialError: a block failed.
    """
    asked = json.dumps([[part.language, part.file, part.source] for part in parts])
    script = Path(__file__).with_name("execute.py")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "MPLBACKEND": "agg", "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, script], input=asked, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    if done.returncode:
        raise TutorialError(done.stdout + done.stderr)
    return list(json.loads(done.stdout))


def stored(name: str, text: str) -> list[str]:
    """The output that is stored beside a page.

    Raises:
        TutorialError: there is none, or it is of other blocks.
    """
    file = FOLDER / f"{name}.json"
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"blocks": None}
    if known["blocks"] != [part.source for part in blocks(text)]:
        raise TutorialError(f"{file.name} is of other blocks: run `python -m pages.tutorials {name}` with the data")
    return list(known["outputs"])


def store(name: str) -> None:
    """Runs a tutorial and stores its output beside the page."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    outputs = [_with_kept_pictures(output) for output in outputs_of(name, text)]
    found = {"blocks": [part.source for part in blocks(text)], "outputs": outputs}
    (FOLDER / f"{name}.json").write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _with_kept_pictures(output: str) -> str:
    """An output whose pictures are copied beside the pages."""
    lines = output.splitlines(keepends=True)
    for at, line in enumerate(lines):
        if line.startswith(PICTURE):
            made = ROOT / line.removeprefix(PICTURE).strip()
            kept = FOLDER / f"{made.parent.name}_{made.name}"
            shutil.copyfile(made, kept)
            lines[at] = f"{PICTURE}{kept.relative_to(ROOT).as_posix()}\n"
    return "".join(lines)


def _shown(block: Block, output: str) -> str:
    named = f":caption: {block.file}\n" if block.file else ""
    source = f"```{{code-block}} {SHOWN_AS[block.language]}\n{named}\n{block.source}```\n"
    lines = output.splitlines()
    pictures = [line.removeprefix(PICTURE) for line in lines if line.startswith(PICTURE)]
    text = "\n".join(line for line in lines if not line.startswith(PICTURE)).strip("\n")
    shown = f"\n```{{code-block}} text\n:class: output\n\n{text}\n```\n" if text else ""
    return source + shown + "".join(f"\n![]({_relative(name)})\n" for name in pictures)


def _relative(name: str) -> str:
    return os.path.relpath(ROOT / name, FOLDER)


def _key(text: str) -> str:
    """A digest of the blocks and of the source that they run."""
    digest = hashlib.sha256(json.dumps([[part.file, part.source] for part in blocks(text)]).encode())
    for package in ("flowmodel", "geo", "scripts"):
        for file in sorted((ROOT / package).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    store(sys.argv[1])
