#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes keys.js of keycodemapdb's data/keymaps.csv: make-keys.py keymaps.csv > keys.js

A key's qnum is its code in XT set 1, with 0x80 for an E0 before it."""
import csv
import sys

HEAD = """// SPDX-License-Identifier: BSD-3-Clause
// QEMU's number of each key that KeyboardEvent.code can name. Made by make-keys.py of data/keymaps.csv of
// keycodemapdb (at 22b8996), whose output may be used under the GPL, version 2 or later, or the 3-clause BSD
// license.
"""


def qnum(set1):
    code = int(set1, 16)
    return code & 0x7F | 0x80 if code > 0xFF else code


def main():
    keys = {}
    with open(sys.argv[1], newline="") as source:
        for row in csv.DictReader(source):
            if row["HTML code"] and row["AT set1 keycode"]:
                keys[row["HTML code"]] = qnum(row["AT set1 keycode"])
    print(HEAD)
    print("export const keys = Object.freeze({")
    for code in sorted(keys):
        print(f"  {code}: 0x{keys[code]:02x},")
    print("});")


main()
