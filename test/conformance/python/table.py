# Reads a table with pandas, through s3fs, for each line of its input.
import sys

if sys.argv[1] == "--version":
    print(__import__("s3fs").__version__)
    sys.exit()
import pandas

profile, endpoint, url = sys.argv[1:]
options = {"endpoint_url": endpoint, "profile": profile or None, "use_listings_cache": False}
for _ in sys.stdin:
    try:
        pandas.read_csv(url, storage_options=options)
        print("ok", flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
