"""The generated references are complete: codes have a meaning, keys a description, old modules a new name."""

import re
from pathlib import Path

import pytest
from pages import api, codes, configuration, modules, parameters, patches

DOCS = Path(codes.__file__).resolve().parents[1]


def test_every_code_that_is_raised_is_listed_and_every_listed_code_is_raised():
    raised = {use.code for use in codes.uses()}
    assert len(raised) > 200
    assert codes.meanings().keys() == raised
    assert set(re.findall(r"\{#([ew]-[a-z0-9-]+)\}", codes.index())) == {code.lower() for code in raised}


def test_a_code_without_a_meaning_and_a_meaning_without_a_code_are_refused(tmp_path):
    for package in codes.PACKAGES:
        (tmp_path / package).mkdir()
    (tmp_path / "geo" / "a.py").write_text('raise E("E-NEW", "what", "fix")\n', encoding="utf-8")
    (tmp_path / "docs").mkdir()
    lines = ["group,code,meaning,fix,status", "Files,E-OLD,what,fix,"]
    (tmp_path / "docs" / "codes.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=r"lacks \['E-NEW'\] and describes \['E-OLD'\]"):
        codes.index(tmp_path)


def test_every_meaning_and_remedy_is_written():
    assert [
        code for code, row in codes.meanings().items() if not (row["meaning"] and row["fix"] and row["group"])
    ] == []


def test_pages_name_codes_that_exist():
    known = codes.meanings().keys()
    text = "\n".join(file.read_text(encoding="utf-8") for file in DOCS.rglob("*.md"))
    named = set(re.findall(r"\b[EW]-[A-Z]+(?:-[A-Z0-9]+)*\b(?!-…)", text))
    assert named - known == set()


def test_every_key_and_section_of_the_configuration_is_described():
    assert configuration.undescribed() == []


@pytest.mark.parametrize("part", configuration.PARTS)
def test_a_reference_has_every_key_with_its_default(part):
    text = configuration.reference(part)
    shown = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    known = {model.__name__.lower(): model.model_fields.keys() for model in configuration.models()}
    sections = re.findall(rf"^\({part}-(\w+)\)=$", text, re.MULTILINE)
    assert sections
    assert set().union(*(known[name] for name in sections)) == shown


def test_bounds_and_defaults_are_those_of_the_models():
    text = configuration.reference("zones")
    assert re.search(r"^\| `national_sd` \| number, above 0, at most 1 \| `0.0001` \|", text, re.MULTILINE)
    assert re.search(r'^\| `device` \| `"auto"`, `"cpu"`, `"gpu"`, `"tpu"` \| `"auto"` \|', text, re.MULTILINE)


def test_a_key_that_a_validator_asks_for_is_required():
    assert re.search(r"^\| `absent_pairs` \|.*\| required \|", configuration.reference("flows"), re.MULTILINE)


def test_modules_that_moved_exist_under_their_new_name():
    moved = modules.moved()
    assert len(moved) > 190
    assert [(old, new) for old, new in moved if old == new or not modules.exists(new)] == []


def test_every_module_and_folder_has_a_sentence():
    for package in ("flowmodel", "geo"):
        text = modules.tree(package)
        assert re.findall(r"^\| `[\w/.]+` \| *\|$", text, re.MULTILINE) == []
        assert all(
            f"### `{package}/{layer}/`" in text for layer in modules.layers(package) if _is_folder(package, layer)
        )


def _is_folder(package, layer):
    return (modules.ROOT / package / layer).is_dir()


def test_every_patch_is_expected_and_touches_no_more_than_it_may():
    found = {patch.name: patch for patch in patches.patches()}
    assert {file.stem for file in patches.FOLDER.glob("*.patch")} == set(found)
    assert {
        name: patch.files for name, patch in found.items() if not 0 < len(patch.files) <= patches.MOST[name][0]
    } == {}


@pytest.mark.parametrize("package", ["flowmodel", "geo"])
def test_every_public_name_and_member_is_documented(package):
    assert api.public(package)
    assert api.undocumented(package) == []


@pytest.mark.parametrize("package", ["flowmodel", "geo"])
def test_every_public_name_stands_on_the_page(package):
    names = {name for name, _ in api.public(package)}
    assert set(re.findall(rf"^\.\. auto\w+:: {package}\.(\w+)$", api.listed(package), re.MULTILINE)) == names


def test_the_table_of_parameters_has_every_one_with_its_numbers():
    rows = {row.split(" | ")[1]: row for row in parameters.table().splitlines()[2:]}
    assert rows["`distance`"].startswith("| β | `distance` | 1 | 0.02 to 4 | log-normal, median 1.1, log sd 0.3 |")
    assert "| logit per year | fixed at −4.6, −12 to 0 | −4.6 ± 0.5 |" in rows["`conversion_level`"]
    source = (DOCS.parent / "flowmodel" / "parameters" / "catalogue.py").read_text(encoding="utf-8")
    named = set(re.findall(r"Parameter\(\s*\"([a-z_]+)\"", source))
    assert len(named) > 25
    assert {f"`{name}`" for name in named} <= rows.keys()
