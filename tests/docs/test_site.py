"""The site is built without a warning, asks nothing of the network, and runs its tutorials."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pages import tutorials

ROOT = Path(__file__).resolve().parents[2]


class _Loaded(HTMLParser):
    """What a browser loads for a page by itself."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag in ("script", "img", "iframe", "source", "video", "audio"):
            self.found.append(named.get("src"))
        if tag == "link" and named.get("rel") not in ("canonical", "index", "search", "next", "prev"):
            self.found.append(named.get("href"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; the build fails on a warning."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-n", "-E"]
    done = subprocess.run(
        [*command, "--doctree-dir", out / "doctrees", ROOT / "docs", out / "html"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert done.returncode == 0, done.stderr
    return out / "html"


def test_no_page_loads_anything_from_elsewhere(site):
    for page in site.rglob("*.html"):
        reader = _Loaded()
        reader.feed(page.read_text(encoding="utf-8"))
        assert [name for name in reader.found if name and re.match(r"\w+:|//", name)] == [], page.name
    styles = "\n".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", styles) == []


def test_the_pages_are_there(site):
    for name in ("index", "start", "configs", "errors", "api", "glossary", "symbols", "architecture"):
        assert (site / f"{name}.html").is_file()
    for name in tutorials.names():
        assert "outputs" not in name
        assert (site / "tutorials" / f"{name}.html").is_file()


def test_a_tutorial_without_its_data_shows_its_stored_output():
    page = tutorials.FOLDER / "real_counties.md"
    text = page.read_text(encoding="utf-8")
    assert tutorials.NEEDS.findall(text) == ["FLOWMODEL_DATA"]
    assert len(tutorials.stored("real_counties", text)) == len(tutorials.blocks(text))


def test_a_block_that_fails_ends_the_build():
    with pytest.raises(tutorials.TutorialError, match="ZeroDivisionError"):
        tutorials.run([tutorials.Block("python", "", "1 / 0\n")])
    with pytest.raises(tutorials.TutorialError, match="exit status 3"):
        tutorials.run([tutorials.Block("shell", "", "echo before; exit 3\n")])


def test_blocks_share_names_and_show_what_they_print():
    parts = [tutorials.Block("python", "", "a = 2\nprint('two')\na\n"), tutorials.Block("shell", "", "echo three\n")]
    parts.append(tutorials.Block("python", "", "a + 1\n"))
    assert tutorials.run(parts) == ["two\n2\n", "three\n", "3\n"]
