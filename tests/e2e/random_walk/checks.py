"""What a settled system leaves behind: a complete log, empty queues, an audit log that fits together."""

APP = "Walk"
PAGE = 10000


def records_since(run, number):
    """Records of the log after that one, newest first, and all their numbers."""
    records, before = [], []
    while True:
        page = run.json("logs", APP, "--limit", str(PAGE), *before)
        for r in page:
            r["number"] = int(r["id"].rsplit("-", 1)[1], 16)
        records += [r for r in page if r["number"] > number]
        if len(page) < PAGE or page[-1]["number"] <= number:
            return records
        before = ["--before", str(page[-1]["number"])]


def check_journal(run):
    """No record is missing, and every account that was written since the last time has one that names it."""
    wrong = []
    records = records_since(run, run.told)
    numbers = sorted(r["number"] for r in records)
    if numbers != list(range(run.told + 1, run.told + 1 + len(numbers))):
        wrong.append(f"numbers of the provisioning log have a gap after {run.told}")
    named = {r["targetIdentity"]["id"] for r in records if r["provisioningStatusInfo"]["status"] != "failure"}
    for kind, id in sorted(run.target.changed):
        if id not in named and not is_orphan(run, kind, id):
            wrong.append(f"no record tells of what was written to {kind}/{id}")
    if numbers:
        run.told = numbers[-1]
    return wrong


def is_orphan(run, kind, id):
    """Made by a cycle that was killed, and its owner is out of scope since."""
    resource = run.target.resources[kind].get(id)
    return resource and any(m.doubtful for m in run.model.everybody() if m.key == resource.get("externalId"))


def check_queues(run):
    parked = run.json("retry", APP, "--list")
    held = run.json("held", APP)
    wrong = [f"parked although nothing fails: {parked['objects'][:3]}"] if parked["objects"] else []
    return wrong + ([f"held although the guard is off: {held['rows'][:3]}"] if held["count"] else [])


def check_audit(run):
    verdict = run.json("audit", "verify", code=None)
    return [] if verdict["intact"] else [f"the audit log does not fit together: {verdict}"]
