"""What a claim is about, for variants that change a part of it."""

from pitfalls.claims import find_claim


def subject_of(name):
    return find_claim(name).subject


def slot(name, **changes):
    return subject_of(name)._replace(**changes)
