#!/usr/bin/env bash
# The entry point of the question's container. Only the grader writes results.json.
root=${GRADE_ROOT:-/grade}
results=$root/results/results.json
mkdir -p "$root/results"
rm -rf "$results"
cd "$root/tests" || exit 1
PYTHONPATH=$root/tests "${PITFALLS_PYTHON:-python3}" -B -P -s \
  -m pitfalls.course.grading prairielearn "$root/tests" "$root/student" "$results" &&
  [ -s "$results" ] ||
  printf '{"gradable": false, "message": "The grader itself failed: tell your instructors."}\n' >"$results"
