// Makes one signed request for each line of its input, through one client of the JavaScript SDK v2.
const AWS = require("aws-sdk");
const { createInterface } = require("node:readline");

const [profile, endpoint] = process.argv.slice(2);
if (profile === "--version") {
  console.log(AWS.VERSION);
  process.exit();
}
process.env.AWS_PROFILE = profile;
let client;
(async () => {
  for await (const _ of createInterface({ input: process.stdin })) {
    try {
      client ??= new AWS.STS({ region: "us-east-1", endpoint });
      await client.getCallerIdentity().promise();
      console.log("ok");
    } catch (e) {
      console.log("error " + String(e.message).split(/\s+/).join(" "));
    }
  }
})();
