<?php
// Makes one signed request for each line of its input, through one client of the AWS SDK for PHP. Its profile is
// that of AWS_PROFILE.
require __DIR__ . '/vendor/autoload.php';

if ($argv[1] === '--version') {
    exit(Aws\Sdk::VERSION . "\n");
}
$client = new Aws\Sts\StsClient(['region' => 'us-east-1', 'endpoint' => $argv[1], 'retries' => 0]);
while (fgets(STDIN) !== false) {
    try {
        $client->getCallerIdentity();
        echo "ok\n";
    } catch (Throwable $e) {
        echo 'error ', preg_replace('/\s+/', ' ', $e->getMessage()), "\n";
    }
}
