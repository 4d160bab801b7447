"""Which column of a table names the pictures: told by endings and by its name, else asked.

How many of a column's words are pictures' names says little: labels from 0 to 11 fit twelve numbered
pictures better than numbers from 1 to 12 do that lack one.
"""

from collections.abc import Callable, Mapping, Sequence

from pitfalls.errors import DataError
from pitfalls.images.data.class_folders import is_picture

__all__ = ["LABEL_COLUMNS", "find_file_column"]

LABEL_COLUMNS = (
    *("label", "labels", "class", "classes", "class_name", "classname", "category", "target"),
    *("y", "species", "breed", "diagnosis"),
)
FILE_COLUMNS = (
    *("file", "files", "filename", "filenames", "file_name", "filepath", "file_path", "path"),
    *("paths", "image", "images", "img", "image_path", "img_path", "image_name", "img_name"),
    *("image_id", "image_file", "picture", "photo"),
)
NUMBER_COLUMNS = ("id", "ids", "name", "key")  # which may count the rows as well

Find = Callable[[str], str | None]


def find_file_column(
    where: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    find: Find,
    labels: str | None = None,
) -> str | None:
    """Return the column that names pictures; None if the table names none.

    Of columns some of whose words are pictures' names, the first of these that leaves one decides:
    most words end as a picture does; the column is called as one of files; as one of numbers; it
    is not called as one of labels.

    Parameters
    ----------
    where : str
        What messages call the table.
    columns : sequence of str
        Its columns, but for one of parts.
    rows : sequence of mapping
        Those to look at.
    find : callable
        ``word -> path`` of the picture that it names, or None.
    labels : str, optional
        The column that is known to hold labels.

    Raises
    ------
    DataError
        If two columns fit equally, or a column that should name pictures names none of those there
        while another seems to.
    """
    words = {c: [row.get(c, "") for row in rows] for c in columns if c != labels}
    ending = {c for c in words if 2 * sum(map(is_picture, words[c])) > len(words[c])}
    called = {c for c in words if c.strip().lower() in FILE_COLUMNS}
    numbers = {c for c in words if c.strip().lower() in NUMBER_COLUMNS}
    labelled = {c for c in words if c.strip().lower() in LABEL_COLUMNS} - ending
    fits = [c for c in words if c not in labelled and any(map(find, words[c]))]
    expected = ending or called or numbers
    for chosen in (ending & called, ending, called, numbers):
        named = [c for c in fits if c in chosen]
        if len(named) == 1:
            return named[0]
        if named:
            fits = named
    if not fits:
        return None
    if len(fits) == 1 and not expected:
        return fits[0]
    others = [c for c in words if c in expected and c not in fits]
    both = " and ".join(map(repr, (others + fits)[:3]))
    raise DataError(
        f"{where}: the words of {repr(fits[0]) + ' alone' if others else 'both'} name pictures that "
        f"are there, but {both} may hold the files; call that column file (and name the one of the "
        "labels by labels, --labels)."
        if others
        else f"{where}: {both} name pictures equally well: which holds the files? Call that column "
        "file, or name the one of the labels by labels (--labels)."
    )
