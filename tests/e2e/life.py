"""The life of a few people and a group in a directory, lived in several applications at once, and what their accounts
must then be. For imitation.py, faulty.py."""

from lib import ENTERPRISE, T, check, check_eq, one

PEOPLE = "userPrincipalName,displayName,givenName,surname,mail,mailNickname,department,jobTitle,manager,accountEnabled\n"
ADA = "ada@plant.test,Ada One,Ada,One,ada@plant.test,ada,Labs,Pilot,,true\n"
ADA_LATER = "ada@plant.test,Ada Two,Ada,Two,ada@plant.test,ada,Field,Chief,,true\n"
BOB = "bob@plant.test,Bob,Bob,Ray,bob@plant.test,bob,Labs,Nurse,{manager},{enabled}\n"
CARL = "carl@plant.test,Carl,Carl,Fox,carl@plant.test,carl,Labs,Cook,bob@plant.test,true\n"


class Directory:
    """The people, step by step."""

    def __init__(self, usher):
        self.usher = usher

    def people(self, *rows):
        with open(f"{T}/people.csv", "w", encoding="utf-8") as out:
            out.write(PEOPLE + "".join(rows))
        self.usher.run("import", f"{T}/people.csv")

    def crew(self, *members):
        with open(f"{T}/groups.csv", "w", encoding="utf-8") as out:
            out.write("displayName,members\nCrew," + ";".join(f"{m}@plant.test" for m in members) + "\n")
        self.usher.run("import", f"{T}/groups.csv", "--type", "group")

    def begin(self):
        self.people(ADA, BOB.format(manager="ada@plant.test", enabled="true"))
        self.crew("ada", "bob")

    def change(self):
        self.people(ADA_LATER, CARL)
        self.crew("bob", "carl")

    def disable(self):
        self.people(BOB.format(manager="ada@plant.test", enabled="false"))

    def end(self):
        """bob comes back, without a manager; carl goes."""
        self.people(BOB.format(manager="", enabled="true"))
        self.usher.run("user", "remove", "carl@plant.test", "--permanently")


STEPS = ("begin", "change", "disable", "end")

PLAIN = {"ada": ("Ada One", "One", "Labs", "Pilot", None, True), "bob": ("Bob", "Ray", "Labs", "Nurse", "ada", True)}
LATER = {"ada": ("Ada Two", "Two", "Field", "Chief", None, True), "bob": ("Bob", "Ray", "Labs", "Nurse", "ada", True),
         "carl": ("Carl", "Fox", "Labs", "Cook", "bob", True)}  # fmt: skip


def expected(step, disabled="inactive", deleted="gone"):
    """name -> (displayName, familyName, department, title, manager, active), and the members of the group."""
    if step == "begin":
        return dict(PLAIN), {"ada", "bob"}
    people = dict(LATER)
    if step == "disable":
        if disabled == "gone":
            del people["bob"]
            people["carl"] = people["carl"][:4] + (None, True)
        else:
            people["bob"] = people["bob"][:5] + (disabled != "inactive",)
    if step == "end":
        people["bob"] = people["bob"][:4] + (None, True)
        if deleted == "gone":
            del people["carl"]
        else:
            people["carl"] = people["carl"][:5] + (deleted != "inactive",)
    return people, {"bob", "carl"} & set(people) - ({"carl"} if step == "end" else set())


def truth(value):
    return value if isinstance(value, bool) else str(value).lower() == "true"


def seen(resources):
    """What the accounts are, in the same form; a manager by name."""
    users = {r["id"]: r for r in resources if "userName" in r}
    names = {i: u["userName"].split("@")[0].lower() for i, u in users.items()}
    people = {}
    for i, user in users.items():
        ent = user.get(ENTERPRISE, {})
        manager = ent.get("manager")
        manager = manager.get("value") if isinstance(manager, dict) else manager
        check_eq(f"e-mail of {names[i]}", f"{names[i]}@plant.test", one(user, "emails", type="work").get("value"))
        check(f"{names[i]} twice", names[i] not in people)
        people[names[i]] = (user.get("displayName"), user.get("name", {}).get("familyName"), ent.get("department"),
                            user.get("title"), names.get(manager), truth(user.get("active", True)))  # fmt: skip
    groups = [r for r in resources if "userName" not in r]
    check(f"groups: {groups}", len(groups) <= 1)
    members = groups[0].get("members", []) if groups else []
    members = [m["value"] if isinstance(m, dict) else m for m in members]
    check_eq("members that occur twice", len(members), len(set(members)))
    return people, {names.get(m, m) for m in members}
