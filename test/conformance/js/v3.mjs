// Makes one signed request for each line of its input, through one client of the JavaScript SDK v3.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromIni, fromNodeProviderChain, fromProcess } from "@aws-sdk/credential-providers";

const [provider, profile, endpoint] = process.argv.slice(2);
if (provider === "--version") {
  console.log(createRequire(import.meta.url)("@aws-sdk/credential-providers/package.json").version);
  process.exit();
}
const providers = { fromIni, fromNodeProviderChain, fromProcess };
let client;
for await (const _ of createInterface({ input: process.stdin })) {
  try {
    client ??= new STSClient({ region: "us-east-1", endpoint, credentials: providers[provider]({ profile: profile || undefined }) });
    await client.send(new GetCallerIdentityCommand({}));
    console.log("ok");
  } catch (e) {
    console.log("error " + String(e.message).split(/\s+/).join(" "));
  }
}
