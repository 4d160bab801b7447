"""The content policy of every page: its own styles and scripts by their hashes, and nothing else."""

import base64
import hashlib
from collections.abc import Sequence

__all__ = ["EMPTY_STYLE", "policy"]

EMPTY_STYLE = ""
"""The element that plotly makes, and fills through the style sheet's own interface."""


def policy(*, styles: Sequence[str], scripts: Sequence[str] = ()) -> str:
    """Return the content policy under which a page's own styles and scripts work, and nothing else.

    Each is known by its hash: what came into the page by another way has none.
    """

    def hashes(texts: Sequence[str]) -> str:
        digests = (hashlib.sha256(text.encode("utf-8")).digest() for text in texts)
        found = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        return " ".join(found) or "'none'"

    return (
        f"default-src 'none'; script-src {hashes(scripts)}; style-src {hashes(styles)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
