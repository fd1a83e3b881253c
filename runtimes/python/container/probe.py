"""What an image has, asked once: run as a job in a container of it."""

import importlib.metadata
import json
import sys

packages = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions() if each.metadata["Name"]}
print(
    json.dumps(
        {
            "implementation": sys.implementation.name,
            "version": "%d.%d.%d" % sys.version_info[:3],
            "executable": sys.executable,
            "packages": packages,
        }
    )
)
