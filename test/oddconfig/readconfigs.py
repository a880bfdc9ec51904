"""Reads configs with botocore: a JSON list of base64 texts in, a JSON list out.

Each answer is {"error": text} or {"profiles": {name: {key: value}}, "services": ...},
where a value is a string, or an object for an indented block.
"""

import base64
import json
import os
import sys
import tempfile

from botocore.configloader import load_config
from botocore.exceptions import BotoCoreError


def answer(path, text):
    with open(path, "wb") as f:
        f.write(text)
    try:
        config = load_config(path)
    except (BotoCoreError, AttributeError) as e:
        # AttributeError: configparser itself fails on some continued lines.
        return {"error": str(e)}
    return {"profiles": config["profiles"], "services": config.get("services")}


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "config")
        texts = [base64.b64decode(t) for t in json.load(sys.stdin)]
        json.dump([answer(path, t) for t in texts], sys.stdout)


main()
