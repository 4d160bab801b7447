"""Write the measured sections of ``docs/guides/linear.md`` anew from ``benchmarks/results``.

python -m benchmarks.linear.tables
"""

from benchmarks.sections import ROOT, machine, read, table, write_sections

GUIDE = ROOT / "docs" / "guides" / "linear.md"


def limits() -> str:
    stored = read("linear-moments")
    if stored is None or "limits" not in stored["results"]:
        return "No measurement of the pass beside its limits is recorded."
    found = stored["results"]["limits"]
    names = {
        "pass": "the pass, float32 in, float64 sums",
        "dsyrk": "BLAS, symmetric product, float64",
        "ssyrk": "BLAS, symmetric product, float32",
        "dgemm": "BLAS, general product, float64",
        "sgemm": "BLAS, general product, float32",
    }
    rates = found["billions_a_second"]
    rows = [[name, f"{rates[key]:.0f}"] for key, name in names.items()]
    return table(["", "10⁹ operations a second"], rows) + (
        f"\n\nThe pass takes {found['pass_over_dsyrk']:.2f} times the float64 product's time and "
        f"{found['pass_over_ssyrk']:.2f} times the float32 product's; here a general product in float64 "
        f"takes {found['dgemm_over_sgemm']:.2f} times as long as in float32. Medians of "
        f"{found['times']['pass']['n']}, in turn ({machine(stored)})."
    )


def streamed() -> str:
    stored = read("linear-streamed")
    if stored is None:
        return "No pass over rows on a disk is recorded."
    r = stored["results"]
    memory, share = r["peak_memory_added_bytes"] / 2**20, r["over_dsyrk_in_processor_time"]
    return (
        f"Recorded: {r['n']:,} rows of {r['d']:,} bytes, {r['file_bytes'] / 1e9:.0f} GB on a disk, in "
        f"{r['seconds']:.0f} s with {memory:.0f} MiB of memory more than before. Reading the "
        f"file alone took {r['reading_seconds']:.0f} s, BLAS' product of as many numbers "
        f"{r['dsyrk_seconds']:.0f} s; in processor time the pass took {share:.2f} times the "
        f"product's (n = {r['repeats']}, {machine(stored)})."
    )


if __name__ == "__main__":
    write_sections(GUIDE, {"limits": limits, "streamed": streamed})
