# Makes one signed request for each line of its input, through one S3 client of the C++ SDK, which
# Arrow brings along, with its default chain of credential providers.
import re
import sys
from pathlib import Path

import pyarrow
from pyarrow import fs

if sys.argv[1] == "--version":  # of the SDK that is linked in
    library = next(Path(pyarrow.__file__).parent.glob("libarrow_s3.so.*"))
    print(re.search(rb"\0(1\.1\d\.\d+)\0", library.read_bytes())[1].decode())
    sys.exit()
endpoint, bucket = sys.argv[1:]
client = None
for _ in sys.stdin:
    try:
        if client is None:
            client = fs.S3FileSystem(endpoint_override=endpoint, region="us-east-1", retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1))
        client.get_file_info(fs.FileSelector(bucket))
        print("ok", flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
