"""Part (b) of the homework over several seeds: which parities do 5e4 iterations learn?

Run: python -m benchmarks.parity.part_b   (two minutes on two cores)
"""

import statistics

from benchmarks.record import record

from pitfalls.parity import LearningConfig, ParityTask, train_ensemble

SEEDS = 5
CASES = [
    (5, None),
    *((10, weight) for weight in (4, 5, 6, 7, 8, 10)),
    (15, 10),
    (20, 11),
    *((30, weight) for weight in (2, 3, 4, 14, 15, 17)),
]


def main() -> None:
    cases = []
    for d, weight in CASES:
        tasks = [ParityTask.random(d, 1000 + seed, weight) for seed in range(SEEDS)]
        results = train_ensemble(tasks, LearningConfig())
        risks = [result.evaluation.risk for result in results]
        accuracies = [result.evaluation.accuracy for result in results]
        case = {
            "d": d,
            "weights": [task.weight for task in tasks],
            "n": SEEDS,
            "exact": results[0].evaluation.exact,
            "risk": risks,
            "accuracy": accuracies,
            "iterations_to_99": [result.curve.iterations_to(0.99) for result in results],
            "median_risk": statistics.median(risks),
            "median_accuracy": statistics.median(accuracies),
            "worst_accuracy": min(accuracies),
        }
        print(case, flush=True)
        cases.append(case)
    record("parity_part_b", {"config": LearningConfig(), "cases": cases})


if __name__ == "__main__":
    main()
