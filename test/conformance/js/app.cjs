// A CDK app of one empty stack: it writes the cloud assembly, and fails unless the CDK has
// looked up the account of the credentials.
const { writeFileSync } = require("node:fs");
const { join } = require("node:path");

const account = process.env.CDK_DEFAULT_ACCOUNT;
if (account !== "123456789012") {
  throw new Error("the CDK has not found the account");
}
const stack = {
  type: "aws:cloudformation:stack",
  environment: `aws://${account}/us-east-1`,
  properties: { templateFile: "empty.template.json" },
};
const write = (name, content) => writeFileSync(join(process.env.CDK_OUTDIR, name), JSON.stringify(content));
write("empty.template.json", {});
write("manifest.json", { version: "36.0.0", artifacts: { empty: stack } });
