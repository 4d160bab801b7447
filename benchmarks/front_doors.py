"""A contract for import-linter: from outside, a package is entered through its ``__init__``."""

import grimp
from importlinter import Contract, ContractCheck, fields, output
from importlinter.application import contract_utils

__all__ = ["FrontDoors", "deep_imports"]


def deep_imports(graph: grimp.ImportGraph, root: str) -> list[tuple[str, str]]:
    """Return who imports what: a module inside another package below the root, past its ``__init__``.

    A package inside one, ``root.lab.data``, is a door as well.
    """
    return sorted(
        (importer, module)
        for module in graph.modules
        if module.startswith(f"{root}.")
        and module.count(".") > 1
        and not graph.find_children(module)
        for importer in graph.find_modules_that_directly_import(module)
        if importer.split(".")[:2] != module.split(".")[:2]
    )


class FrontDoors(Contract):
    """No module imports a module inside another package; ``ignore_imports`` holds the exceptions."""

    type_name = "front_doors"

    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Look for imports that pass a door by."""
        removed = contract_utils.remove_ignored_imports_and_report(
            graph=graph,
            ignore_imports=self.ignore_imports,  # type: ignore[arg-type]  # read as its value
            unmatched_alerting=contract_utils.AlertLevel.ERROR,
        )
        found = deep_imports(graph, self.session_options["root_packages"][0])
        return ContractCheck(
            kept=not found,
            warnings=list(removed.warnings),
            ignored_import_count=removed.ignored_import_count,
            metadata={"found": found},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import."""
        for importer, module in check.metadata["found"]:
            package = module.rpartition(".")[0]
            output.print_error(f"{importer} imports {module}: take the name from {package}.")
