"""The homework's first section: what only the author can say."""

from dataclasses import dataclass

__all__ = ["FrontMatter"]


@dataclass(frozen=True)
class FrontMatter:
    """Who wrote the homework, with whom, and what they have to say about it.

    Attributes
    ----------
    author, collaborators, comments : str
        Plain text: markup in it stays text in both outputs.
    """

    author: str = ""
    collaborators: str = ""
    comments: str = ""
