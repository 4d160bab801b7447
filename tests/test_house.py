"""The house's own measures: short bodies, short files, no true or false by place."""

import ast
from importlib import import_module

import grimp
from benchmarks.front_doors import deep_imports
from benchmarks.house import boolean_parameters, long_bodies, long_files, sources
from docs.reference_pages import PACKAGES

# a result that reads "holds" or a signature that is another library's
NAMED_BY_OTHERS = {
    "claims/claim.py: require(condition)",  # what must hold, as in assert
    "experiments/linear_homework/words.py: _holds(condition)",  # the value that is put into words
    "course/grading/linear_parts.py: verify(exact)",
    "course/grading/transforms.py: __init__(pad_if_needed)",  # torchvision's signature
    "course/grading/transforms.py: normalize(inplace)",  # torchvision's signature
    "course/grading/transforms.py: to_dtype(scale)",  # torchvision's signature
    "diagnosis/zoo/faults_wiring.py: zero_grad(set_to_none)",  # torch's signature
    "images/training/augmentation.py: __init__(pad_if_needed)",  # torchvision's signature
}


def test_no_body_has_over_sixty_lines_but_compiled_kernels():
    assert long_bodies() == []


def test_no_file_has_over_four_hundred_lines():
    assert long_files() == []


def test_no_parameter_is_true_or_false_by_place():
    assert set(boolean_parameters()[1]) <= NAMED_BY_OTHERS


def test_an_import_past_the_init_of_a_package_is_found_and_one_of_the_package_is_not():
    graph = grimp.ImportGraph()
    for module in ("a", "a.lab", "a.lab.data", "a.lab.data.load", "a.lab.risk", "a.report"):
        graph.add_module(module)
    graph.add_import(importer="a.report", imported="a.lab")
    graph.add_import(importer="a.report", imported="a.lab.data")
    graph.add_import(importer="a.lab", imported="a.lab.risk")
    assert deep_imports(graph, "a") == []
    graph.add_import(importer="a.report", imported="a.lab.risk")
    graph.add_import(importer="a.report", imported="a.lab.data.load")
    assert deep_imports(graph, "a") == [
        ("a.report", "a.lab.data.load"),
        ("a.report", "a.lab.risk"),
    ]


def test_no_two_public_classes_have_one_name():
    # the graders are a package of their own on a platform's machine, with torchvision's names in it
    ours = [(path, text) for path, text in sources() if not path.startswith("course/grading/")]
    where: dict[str, list[str]] = {}
    for path, text in ours:
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where.setdefault(node.name, []).append(path)
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_a_public_name_that_two_packages_offer_is_one_thing():
    # a lab's own verbs, told apart by the lab: parity.train, images.train
    VERBS = {"evaluate", "train", "attribute"}
    offered: dict[str, list[tuple[str, object]]] = {}
    for package in PACKAGES:
        module = import_module(package)
        for name in set(module.__all__) - VERBS:
            offered.setdefault(name, []).append((package, getattr(module, name)))
    twice = {
        name: [package for package, _ in things]
        for name, things in offered.items()
        if any(thing is not things[0][1] for _, thing in things)
    }
    assert twice == {}
