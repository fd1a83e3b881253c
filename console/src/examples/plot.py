"""A damped swing: what matplotlib shows becomes an image below the log."""

import matplotlib.pyplot as plt
import numpy as np

t = np.linspace(0, 12, 600)
print(f"Drawing {t.size} points …")

figure, axes = plt.subplots(figsize=(8, 4.5))
for damping in (0.1, 0.25, 0.5):
    axes.plot(t, np.exp(-damping * t) * np.cos(3 * t), label=f"damping {damping}")
axes.set(title="A damped swing", xlabel="seconds", ylabel="amplitude")
axes.grid(alpha=0.3)
axes.legend()
plt.show()
print("Done.")
