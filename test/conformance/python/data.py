# Reads a table through pandas or pyarrow for each line of its input.
import sys

LIBRARY, profile, endpoint, url = (sys.argv[1:] + [""] * 4)[:4]
if profile == "--version":
    print(__import__(LIBRARY).__version__)
    sys.exit()


def s3fs():
    import pandas

    options = {"endpoint_url": endpoint, "profile": profile or None, "use_listings_cache": False}
    return lambda: pandas.read_csv(url, storage_options=options)


def pyarrow():
    from pyarrow import csv, fs

    s3 = fs.S3FileSystem(endpoint_override=endpoint, region="us-east-1")
    return lambda: csv.read_csv(s3.open_input_stream(url.removeprefix("s3://")))


read = None
for _ in sys.stdin:
    try:
        read = read or globals()[LIBRARY]()
        read()
        print("ok", flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
