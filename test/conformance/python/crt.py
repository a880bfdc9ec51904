# Makes one signed request for each line of its input, with the credentials provider and
# the signer of aws-crt.
import http.client
import subprocess
import sys
import urllib.parse

from awscrt.auth import AwsCredentialsProvider, AwsSignatureType, AwsSigningAlgorithm, AwsSigningConfig, aws_sign_request
from awscrt.http import HttpHeaders, HttpRequest

if sys.argv[1] == "--version":
    print(subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "python3-awscrt"], capture_output=True, text=True).stdout)
    sys.exit()
profile, endpoint = sys.argv[1:]
host = urllib.parse.urlsplit(endpoint).netloc
provider = AwsCredentialsProvider.new_process(profile_to_use=profile)


def ask():
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4,
        signature_type=AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=provider,
        region="us-east-1",
        service="execute-api",
    )
    request = HttpRequest("GET", "/bucket", HttpHeaders([("Host", host)]))
    signed = aws_sign_request(request, config).result(120)
    connection = http.client.HTTPConnection(host)
    connection.request("GET", "/bucket", headers=dict(signed.headers))
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(answer.read().decode())


for _ in sys.stdin:
    try:
        ask()
        print("ok", flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
