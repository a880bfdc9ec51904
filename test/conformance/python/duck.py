# Reads an object through one connection of DuckDB for each line of its input.
import importlib.util
import pathlib
import sys

import duckdb

if sys.argv[1] == "--version":
    print(duckdb.__version__)
    sys.exit()
endpoint, url = sys.argv[1:]
db = duckdb.connect()
for name in ("httpfs", "aws"):
    package = importlib.util.find_spec("duckdb_extension_" + name).submodule_search_locations[0]
    db.load_extension(str(next(pathlib.Path(package).rglob("*.duckdb_extension"))))
secret = f"""CREATE SECRET (TYPE s3, PROVIDER credential_chain, REFRESH auto, REGION 'us-east-1',
    ENDPOINT '{endpoint.removeprefix("http://")}', URL_STYLE 'path', USE_SSL false)"""
made = False
for _ in sys.stdin:
    try:
        if not made:
            db.execute(secret)
            made = True
        db.execute(f"SELECT content FROM read_text('{url}')").fetchall()
        print("ok", flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
