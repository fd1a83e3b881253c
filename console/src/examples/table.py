"""A table, summed up with pandas, left as CSV and as JSON."""

import pandas as pd

readings = pd.DataFrame(
    {
        "city": ["Lisbon", "Oslo", "Osaka", "Lisbon", "Oslo", "Osaka"],
        "month": ["January", "January", "January", "July", "July", "July"],
        "degrees": [11.6, -4.3, 6.2, 23.5, 17.7, 27.7],
    }
)
summary = readings.pivot(index="city", columns="month", values="degrees")
summary["difference"] = summary["July"] - summary["January"]
print(summary)

summary.to_csv("summary.csv")
readings.to_json("readings.json", orient="records", indent=2)
