"""Reads whatever files you drop here as input: JOB_INPUT_DIR names their folder."""

import csv
import os
from pathlib import Path

folder = Path(os.environ["JOB_INPUT_DIR"])
paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
if not paths:
    print("There are no input files yet. Drop some onto this page, then run again.")

for path in paths:
    print(f"{path.relative_to(folder)}: {path.stat().st_size:,} bytes")
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            rows = list(csv.reader(file))
        print(f"  {len(rows)} rows, columns: {', '.join(rows[0]) if rows else 'none'}")
