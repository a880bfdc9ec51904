# Makes one signed request for each line of its input, through one client of boto3.
import sys

import boto3

if sys.argv[1] == "--version":
    print(boto3.__version__)
    sys.exit()
profile, endpoint = sys.argv[1:]
client = None
for _ in sys.stdin:
    try:
        if client is None:
            client = boto3.Session(profile_name=profile or None).client("sts", endpoint_url=endpoint)
        client.get_caller_identity()
        print("ok", flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
