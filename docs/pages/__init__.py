"""What the documentation generates from the code: the reference of keys, the index of codes, modules, tutorials."""

from collections.abc import Callable


def fill(kind: str, name: str | None) -> str:
    """The Markdown that stands for `<!-- generated: KIND NAME -->` in a page.

    Raises:
        KeyError: there is no such kind.
    """
    from pages import api, codes, configuration, modules, parameters, patches

    kinds: dict[str, Callable[..., str]] = {
        "configuration": configuration.reference,
        "api": api.listed,
        "codes": codes.index,
        "layers": modules.drawn_layers,
        "tree": modules.tree,
        "moves": modules.moves,
        "parameters": parameters.table,
        "patches": patches.shown,
    }
    return kinds[kind](name) if name else kinds[kind]()
