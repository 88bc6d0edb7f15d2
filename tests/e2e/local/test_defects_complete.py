"""Every known defect of the system before this one has a test that shows it to be absent."""

from __future__ import annotations

import re
from pathlib import Path

KNOWN = {
    *(f"S{number}" for number in range(1, 14)),
    *(f"D{number}" for number in range(1, 10)),
    *(f"C{number}" for number in range(1, 17)),
    *(f"Q{number}" for number in range(1, 10)),
}


def test_no_defect_is_without_a_test():
    marked = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for arguments in re.findall(r"^@defect\(([^)]*)\)|^@pytest\.mark\.defect\(([^)]*)\)", path.read_text(), re.M):
            marked |= set(re.findall(r'"(\w+)"', "".join(arguments)))
    assert marked == KNOWN
