# Reads a table with PySpark, through S3A, for each line of its input.
import concurrent.futures
import os
import sys

import pyspark
from pyspark.sql import SparkSession

if sys.argv[1] == "--version":
    print(pyspark.__version__)
    sys.exit()
jars, endpoint, url = sys.argv[1:]
options = {"endpoint": endpoint, "endpoint.region": "us-east-1", "path.style.access": "true", "attempts.maximum": "1", "retry.limit": "1"}
if os.environ.get("AWS_PROFILE"):
    options["aws.credentials.provider"] = "software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider"
settings = {"spark.hadoop.fs.s3a." + name: value for name, value in options.items()} | {
    "spark.driver.extraClassPath": jars + "/*",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.ui.enabled": "false",
}
spark = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
crowd = int(os.environ.get("CONFORMANCE_CROWD", "0"))


def file_system(_):
    path = spark._jvm.org.apache.hadoop.fs.Path(url)
    spark._jvm.org.apache.hadoop.fs.FileSystem.newInstance(path.toUri(), spark._jsc.hadoopConfiguration()).getFileStatus(path)


for _ in sys.stdin:
    try:
        if crowd:
            list(concurrent.futures.ThreadPoolExecutor(crowd).map(file_system, range(crowd)))
        else:
            spark.read.csv(url).count()
        print("ok", flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
