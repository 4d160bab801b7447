#!/usr/bin/env bash
# Make Otter's autograder.zip from what lies here (needs otter-grader).
set -euo pipefail
cd "$(dirname "$0")"
otter generate -t tests -c otter_config.json -r requirements.txt -o autograder.zip grader
