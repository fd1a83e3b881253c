"""A first job: makes a table, sums it up with pandas, leaves a CSV and a plot in the output folder."""

import os
from pathlib import Path

import pandas as pd

output = Path(os.environ["JOB_OUTPUT_DIR"])

print("Measuring …", flush=True)
table = pd.DataFrame(
    {
        "city": ["Lisbon", "Oslo", "Osaka", "Lisbon", "Oslo", "Osaka"],
        "month": ["January", "January", "January", "July", "July", "July"],
        "degrees": [11.6, -4.3, 6.2, 23.5, 17.7, 27.7],
    }
)
summary = table.pivot(index="city", columns="month", values="degrees")
summary["difference"] = summary["July"] - summary["January"]
print(summary)

summary.to_csv(output / "result.csv")
print("Wrote result.csv")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("matplotlib is not installed here: no plot")
else:
    axes = summary[["January", "July"]].plot.bar(rot=0, title="Mean temperature")
    axes.set_ylabel("°C")
    plt.tight_layout()
    plt.savefig(output / "plot.png", dpi=120)
    print("Wrote plot.png")
