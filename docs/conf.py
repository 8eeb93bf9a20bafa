"""The documentation site: Sphinx with MyST pages and the furo theme; nothing is fetched, at build or when read."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from pages import fill, tutorials  # noqa: E402
from sphinx.util.nodes import make_refnode  # noqa: E402

project = "flowmodel"
author = "the authors of flowmodel"
copyright = "the authors of flowmodel, Apache-2.0"  # noqa: A001
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["patches", "pages"]
language = "en"

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a generated section may begin below the level of the page's own

html_theme = "furo"
html_title = "flowmodel"
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {"footer_icons": []}
html_static_path = ["static"]
html_css_files = ["site.css"]

nitpicky = True
# Names of other packages, whose documentation lies on other sites; shapes as jaxtyping writes them; types inside.
nitpick_ignore_regex = [
    ("py:.*", r"(numpy|np|npt|jax|jaxlib|jnp|jaxtyping|pandas|pd|xarray|xr|pathlib|pydantic|geopandas|gpd)\..*"),
    ("py:.*", r"(collections|typing|types)\..*|Path|Array|NDArray|Any|BaseModel|Callable|Iterable|Mapping|Sequence"),
    ("py:.*", r"(flowmodel|geo)\.(?!errors)\w+\..*"),
    ("py:class", r"FlowData|Prior|Build|BuiltGrid|optional|'[ \w]*'"),
]
default_role = "literal"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
toc_object_entries = False
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False

GENERATED = re.compile(r"^<!-- generated: ([\w-]+)(?: ([\w.-]+))? -->$", re.MULTILINE)


def _fill(app, docname, source):
    """Puts what the code says in the place of `<!-- generated: KIND NAME -->`."""
    source[0] = GENERATED.sub(lambda match: fill(match[1], match[2]), source[0])
    if docname.startswith("tutorials/"):
        source[0] = tutorials.rendered(docname.removeprefix("tutorials/"), source[0])


def _by_last_name(app, env, node, contnode):
    """Finds the one documented object that a docstring names without its module, such as `ConfigError`."""
    if node.get("refdomain") != "py":
        return None
    domain, target = env.get_domain("py"), node["reftarget"]
    found = [name for name in domain.objects if name.endswith("." + target)]
    if len(found) != 1:
        return None
    entry = domain.objects[found[0]]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, found[0])


def setup(app):
    """Registers the generator of pages and the finder of names."""
    app.connect("source-read", _fill)
    app.connect("missing-reference", _by_last_name)
