#!/usr/bin/env bash
# grade.sh SUBMISSION RESULTS.json: grade one folder. Needs Python 3.11 with numpy and torch.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
submission=$(realpath "$1")
results=$(realpath -m "$2")
cd "$here/grader"
PYTHONPATH=$here/grader exec "${PITFALLS_PYTHON:-python3}" -B -P -s \
  -m pitfalls.course.grading plain "$here/grader" "$submission" "$results"
