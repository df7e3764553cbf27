"""Names of the failed checks in a report of `usher --json scim check`, one a line."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as report:
    for check in json.load(report)["checks"]:
        if check["verdict"] == "failed":
            print(f'{check["level"]}: {check["name"]}')
