#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""ctest-summary.py JUNIT: what a run of ctest came to.

The skipped tests by name with their reason, the failed ones by name, and last a line
"N passed, N failed, N skipped". Exits 1 if a test failed or none passed. A test that ctest could
not start has failed: only one that skipped itself is skipped.
"""

import sys
import xml.etree.ElementTree as ElementTree


def verdict(case):
    skipped = case.find("skipped")
    if case.get("status") == "run":
        return "passed"
    if case.get("status") == "disabled":
        return "skipped"
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        return "skipped"
    return "failed"


def output_lines(case):
    text = case.findtext("system-out") or ""
    return [line.strip() for line in text.splitlines() if line.strip()]


def report(case, result):
    lines = output_lines(case)
    if result == "skipped":
        print(f"skipped: {case.get('name')}: {lines[-1] if lines else 'it gives no reason'}")
    elif result == "failed":
        print(f"failed: {case.get('name')}")
    # A cmocka program passes with some of its own tests skipped: that is not to go unseen.
    for line in lines if result == "passed" else []:
        if line.startswith("[  SKIPPED ]") and not line.endswith("test(s)."):
            print(f"skipped inside {case.get('name')}: {line.removeprefix('[  SKIPPED ]').strip()}")


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
        result = verdict(case)
        counts[result] += 1
        report(case, result)
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
