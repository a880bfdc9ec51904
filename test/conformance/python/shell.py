"""Types into aws-shell: for each line of the input, a command that makes a signed request.

With --prepare it writes the indexes for completion, of one service: aws-shell would make those of all for minutes.
"""

import json
import os
import sys

import awsshell
import pexpect


def prepare():
    from awscli import clidriver
    from awsshell import db, makeindex, utils
    from awsshell.index import completion

    aws = clidriver.create_clidriver().create_help_command()
    for name in set(aws.command_table) - {"sts"}:
        del aws.command_table[name]
    index = {"aws": makeindex.new_index()}
    makeindex.index_command(index["aws"], aws)
    path = completion.CompletionIndex()._filename_for_version(utils.AWSCLI_VERSION)
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        json.dump(index, file)
    docs = db.ConcurrentDBM.create(awsshell.determine_doc_index_filename())
    docs["__complete__"] = "true"
    docs.close()


def talk(url):
    shell = pexpect.spawn("aws-shell", encoding="utf-8", timeout=120)
    command = f"sts get-caller-identity --endpoint-url {url} --output json; echo ended=$?"
    for _ in sys.stdin:
        shell.expect("aws> ")
        shell.send(f"\x1b[200~{command}\x1b[201~\r")  # as a paste: it completes while one types
        shell.expect(r"ended=(\d+)")
        print("ok" if shell.match[1] == "0" else " ".join(shell.before.split()), flush=True)
    shell.close()


if sys.argv[1] == "--version":
    print(awsshell.__version__)
elif sys.argv[1] == "--prepare":
    prepare()
else:
    talk(sys.argv[1])
