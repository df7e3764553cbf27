// Filters and PATCH beside two libraries that nobody of usher wrote: the provider gets random filters and
// patches, the libraries the same, and both have to come to the same. Seeded, so that a difference comes again.
//
//     node differential.mjs BASE TOKEN [SEED [COUNT]]
//
// Where a library and the RFC disagree, `known` holds the case with the section, what each side says, and
// the generator stays away from it; that a library still says so is checked, too.
import scimPatch from "scim-patch";
import scim2 from "scim2-parse-filter";

const [base, token, seedText = "1", countText = "400"] = process.argv.slice(2);
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
let state = Number(seedText) >>> 0;
let failures = 0;
let checks = 0;

// mulberry32
function random() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const chance = (p) => random() < p;
const sorted = (value) => {
    if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]));
};
const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function report(what, details) {
    failures++;
    if (failures <= 10) console.error(`DIFFERENT: ${what}\n${JSON.stringify(details, null, 1)}`);
}

async function call(method, path, body) {
    const answer = await fetch(base + path, {
        method,
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" },
        body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : undefined };
}

// --- People: small pools of values, so that filters meet some ---
const WORDS = ["pilot", "nurse", "pilot two", "\"quoted\"", "p", "zulu", "flüge", "飛行"];
const TYPES = ["work", "home", "other"];

function person(n) {
    const user = { userName: `u${String(n).padStart(2, "0")}@x.example`, displayName: pick(WORDS), active: chance(0.5) };
    if (chance(0.6)) user.title = pick(WORDS);
    if (chance(0.4)) user.nickName = pick(WORDS);
    user.name = { familyName: pick(WORDS) };
    if (chance(0.5)) user.name.givenName = pick(WORDS);
    user.emails = TYPES.slice(0, 1 + below(3)).map((type) => ({ type, value: `${pick(["a", "b", "c"])}.${type}${n}@x.example` }));
    if (chance(0.5)) user[ENTERPRISE] = { department: pick(WORDS) };
    return user;
}

async function create(user) {
    const made = await call("POST", "/Users", user);
    if (made.status !== 201) throw new Error(`POST ${JSON.stringify(user)}: ${made.status} ${JSON.stringify(made.body)}`);
    return made.body;
}

// --- Filters ---
const letters = (text) => (chance(0.2) ? text.toUpperCase() : text);
const TEXTS = ["title", "nickName", "displayName", "name.familyName", "name.givenName", "emails.type", "userName",
    `${ENTERPRISE}:department`];
const ALWAYS = ["displayName", "name.familyName", "userName", "emails.type"]; // who has no value: see `known`
const part = (word) => word.slice(below(2), 1 + below(word.length));

function term(inEmails) {
    if (!inEmails && chance(0.15)) return `active ${letters(pick(["eq", "ne"]))} ${pick([true, false])}`;
    const name = inEmails ? pick(["type", "value"]) : pick(TEXTS);
    if (chance(0.1)) return `${name} ${letters("pr")}`;
    const operators = ["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"];
    if (inEmails || ALWAYS.includes(name)) operators.push("ne");
    const operand = name.endsWith("type") ? pick(TYPES) : inEmails ? pick(["a.", "b", ".work", "example"]) : pick(WORDS);
    return `${name} ${letters(pick(operators))} ${JSON.stringify(chance(0.3) ? part(operand) : operand)}`;
}

function filter(depth) {
    const kind = depth > 0 ? below(6) : 0;
    if (kind === 1) return `${filter(depth - 1)} ${letters("and")} ${filter(depth - 1)}`;
    if (kind === 2) return `${filter(depth - 1)} ${letters("or")} ${filter(depth - 1)}`;
    if (kind === 3) return `not (${filter(depth - 1)})`;
    if (kind === 4) return `(${filter(depth - 1)})`;
    if (kind === 5) return `emails[${term(true)}]`; // one term: see `known`
    return term(false);
}

async function found(text) {
    const answer = await call("GET", `/Users?count=200&attributes=userName&filter=${encodeURIComponent(text)}`);
    return answer.status === 200 ? answer.body.Resources.map((user) => user.userName).sort() : answer;
}
const library = (text, people) => people.filter(scim2.filter(scim2.parse(text))).map((user) => user.userName).sort();

async function filters(people, count) {
    for (let n = 0; n < count; n++) {
        const text = filter(4);
        const [ours, theirs] = [await found(text), library(text, people)];
        checks++;
        if (!same(ours, theirs)) report(`filter ${text}`, { ours, theirs });
    }
}

// Where scim2-parse-filter differs: the text, the section, and whom each side finds among `subjects`.
const subjects = [
    { userName: "k1@x.example", displayName: "known", title: "Pilot", emails: [{ type: "work", value: "K1@x.example" }] },
    { userName: "k2@x.example", displayName: "known" },
    { userName: "k3@x.example", displayName: "apart", title: "a\\b",
        emails: [{ type: "work", value: "w3@x.example" }, { type: "home", value: "h3@x.example" }] },
];
const known = [
    // RFC 7643, 2.2 and 4.1.1: caseExact is false, so that values are compared without case. The library compares bytes.
    { filter: 'displayName eq "known" and title eq "pilot"', ours: ["k1"], theirs: [] },
    { filter: 'displayName eq "KNOWN"', ours: ["k1", "k2"], theirs: [] },
    // RFC 7644, 3.4.2.2: ne is true when the values are not identical; no value is not identical to one. The
    // library finds nothing where there is no value, so that ne and not (eq) differ.
    { filter: 'displayName eq "known" and title ne "Pilot"', ours: ["k2"], theirs: [] },
    { filter: 'displayName eq "known" and not (title eq "Pilot")', ours: ["k2"], theirs: ["k2"] },
    // RFC 7644, 3.4.2.2 ("complex attributes") and 3.5.2: a list named alone means its default sub-attribute value.
    { filter: 'displayName eq "known" and emails co "k1@x"', ours: ["k1"], theirs: [] },
    // RFC 7644, 3.4.2.2: within brackets one and the same element meets the whole filter. The library puts the
    // terms to all elements, each by itself; so not leaves out who has one element that does not meet it.
    { filter: 'emails[type eq "work" and value sw "h3"]', ours: [], theirs: ["k3"] },
    { filter: 'displayName eq "apart" and emails[not (type eq "work")]', ours: ["k3"], theirs: [] },
    // RFC 7644, 3.4.2.2: operands are JSON, in which two backslashes are one. The library keeps both.
    { filter: 'title eq "a\\\\b"', ours: ["k3"], theirs: [] },
    // RFC 7643, 2.5: null and no value are the same.
    { filter: 'displayName eq "known" and title eq null', ours: ["k2"], theirs: [] },
];

async function knownFilters() {
    for (const user of subjects) await create(user);
    for (const { filter: text, ours, theirs } of known) {
        const full = (list) => list.map((name) => `${name}@x.example`);
        checks += 2;
        if (!same(await found(text), full(ours))) report(`known filter ${text}, ours`, await found(text));
        if (!same(library(text, subjects), full(theirs))) report(`known filter ${text}, theirs`, library(text, subjects));
    }
}

// --- PATCH ---
let fresh = 0;
const email = () => ({ type: pick(TYPES), value: `new${fresh++}@x.example` });
const SIMPLE = ["title", "nickName", "displayName", "name.givenName", "name.familyName", `${ENTERPRISE}:department`];

function operation(user) {
    const kinds = user.emails?.length ? 18 : 12;
    const missing = user.emails?.length && TYPES.find((t) => !user.emails?.some((e) => e.type === t));
    const type = user.emails?.length ? pick(user.emails).type : undefined;
    const alone = user.emails?.filter((e) => e.type === type).length === 1;
    switch (below(kinds)) {
        case 0: return { op: "replace", path: pick(SIMPLE), value: pick(WORDS) };
        case 1: return { op: "add", path: pick(SIMPLE), value: pick(WORDS) };
        case 2:
            if (missing && chance(0.3)) return { op: "remove", path: `emails[type eq "${missing}"]` };
            if (missing && chance(0.4)) return { op: "add", path: `emails[type eq "${missing}"].value`, value: email().value };
            return { op: "remove", path: pick(["title", "nickName", "name.givenName"]) };
        case 3: return { op: pick(["add", "replace"]), value: { title: pick(WORDS), active: chance(0.5) } };
        case 4: return { op: "add", path: "emails", value: [email()] };
        case 5: return { op: "replace", path: "emails", value: [email(), email()] };
        case 6: return { op: "add", path: "name", value: { [pick(["givenName", "middleName"])]: pick(WORDS) } };
        case 7: return { op: "remove", path: pick([`${ENTERPRISE}:department`, "name.middleName", "roles", "active"]) };
        case 8: return { op: "add", value: { nickName: pick(WORDS), emails: [email()] } };
        case 9: return { op: pick(["add", "replace"]), value: { [`${ENTERPRISE}:department`]: pick(WORDS), "name.middleName": pick(WORDS) } };
        case 10: return { op: pick(["add", "replace"]), path: "roles", value: [{ value: pick(WORDS) }] };
        case 11: return { op: pick(["add", "replace", "Add", "Replace"]), path: "active", value: chance(0.5) };
        // Of two elements it would make one value twice, which RFC 7643, 2.4 does not want; ours become one.
        case 12: if (alone) return { op: "replace", path: `emails[type eq "${type}"].value`, value: `new${fresh++}@x.example` };
        // falls through
        case 13: return { op: "remove", path: `emails[type eq "${type}"]` };
        // With more than a value and a type the library keeps what is not named: see `knownPatches`.
        case 14: if (alone && !user.emails.find((e) => e.type === type).display) return { op: "replace", path: `emails[type eq "${type}"]`, value: { value: email().value } };
        // falls through
        case 15: return { op: "remove", path: `emails[value eq ${JSON.stringify(pick(user.emails).value)}]` };
        case 16: return { op: "remove", path: `emails[type eq "${type}"].display` };
        default: return { op: "add", path: `emails[type eq "${type}"].display`, value: pick(WORDS) };
    }
}

function plain(user) {
    const { id, meta, schemas, groups, ...rest } = structuredClone(user);
    if (rest.emails?.length === 0) delete rest.emails;
    for (const [name, value] of Object.entries(rest)) {
        if (typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0) delete rest[name];
    }
    return rest;
}

async function patches(count) {
    for (let n = 0; n < count; n++) {
        let user = await create(person(1000 + n));
        let theirs = { schemas: user.schemas, ...plain(user) };
        const operations = [];
        // Each operation is made for what those before it have left.
        for (let k = 1 + below(4); k > 0; k--) {
            const next = operation(theirs);
            operations.push(next);
            theirs = scimPatch.scimPatch(theirs, [structuredClone(next)], { mutateDocument: false });
        }
        const answer = await call("PATCH", `/Users/${user.id}`,
            { schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: operations });
        checks++;
        if (answer.status !== 200 || !same(plain(answer.body), plain(theirs)))
            report("patch", { before: plain(user), operations, ours: answer.status === 200 ? plain(answer.body) : answer, theirs: plain(theirs) });
        const read = await call("GET", `/Users/${user.id}`);
        checks++;
        if (!same(read.body, answer.body)) report("read after patch", { patched: answer.body, read: read.body });
    }
}

// Where scim-patch differs: an operation on `patient`, the section, and what becomes of some of its attributes;
// "refused" where there is an error instead.
const patient = { userName: "patient@x.example", active: true, emails: [
    { type: "work", value: "w@x.example", primary: true }, { type: "home", value: "h@x.example" }] };
const [work, home] = patient.emails;
const other = { type: "other", value: "o@x.example", primary: true };
const knownPatches = [
    // RFC 7643, 2.1: names of attributes have no case. The library adds an attribute of that spelling.
    { operation: { op: "replace", path: "USERNAME", value: "b@x.example" }, ours: { userName: "b@x.example" },
        theirs: { userName: patient.userName, USERNAME: "b@x.example" } },
    // RFC 7644, 3.5.2: a new primary value takes it from the old one. The library leaves both.
    { operation: { op: "add", path: "emails", value: [other] },
        ours: { emails: [{ type: "work", value: "w@x.example" }, home, other] }, theirs: { emails: [work, home, other] } },
    // RFC 7644, 3.5.2.3: the elements that a filter means are replaced. The library merges.
    { operation: { op: "replace", path: 'emails[type eq "work"]', value: { value: "z@x.example" } },
        ours: { emails: [{ type: "work", value: "z@x.example" }, home] },
        theirs: { emails: [{ ...work, value: "z@x.example" }, home] } },
    // RFC 7643, 2.4: the same value of the same type is not there twice. The library compares all sub-attributes.
    { operation: { op: "add", path: "emails", value: [{ ...home, display: "H" }] },
        ours: { emails: [work, { ...home, display: "H" }] }, theirs: { emails: [work, home, { ...home, display: "H" }] } },
    // RFC 7644, 3.5.2.3 wants noTarget, and so does the library; ours makes the element, as clients of Entra ID
    // expect, unless the tenant is strict (patch.createOnNoMatch).
    { operation: { op: "replace", path: 'emails[type eq "other"].value', value: "o@x.example" },
        ours: { emails: [work, home, { type: "other", value: "o@x.example" }] }, theirs: "refused" },
    // RFC 7644, 3.5.2.2: a required attribute cannot be removed; 3.5.2: a read-only one cannot be changed. The
    // library has no schema.
    { operation: { op: "remove", path: "userName" }, ours: "refused", theirs: { userName: undefined } },
    { operation: { op: "replace", path: "id", value: "b" }, ours: "refused", theirs: { id: "b" } },
];

// `primary: false` and no primary are the same.
const tidy = (v) => JSON.parse(JSON.stringify(v, (name, value) => (name === "primary" && value === false ? undefined : value)));

async function checkKnownPatch({ operation: op, ours, theirs }) {
    const user = await create(patient);
    const agrees = (want, got) => (want === "refused" || got === "refused" ? want === got
        : Object.entries(want).every(([name, value]) => (value === undefined ? got[name] === undefined : same(tidy(value), tidy(got[name])))));
    const answer = await call("PATCH", `/Users/${user.id}`,
        { schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: [op] });
    let library;
    try {
        library = scimPatch.scimPatch({ schemas: user.schemas, ...structuredClone(patient) }, [structuredClone(op)], { mutateDocument: false });
    } catch {
        library = "refused";
    }
    checks += 2;
    if (!agrees(ours, answer.status === 400 ? "refused" : answer.body)) report("known patch, ours", { op, answer });
    if (!agrees(theirs, library)) report("known patch, theirs", { op, library });
    await call("DELETE", `/Users/${user.id}`);
}

const people = [];
for (let n = 0; n < 40; n++) people.push(person(n));
for (const user of people) await create(user);
await filters(people, Number(countText));
await knownFilters();
await patches(Number(countText));
for (const patch of knownPatches) await checkKnownPatch(patch);
console.log(`seed ${seedText}: ${checks} comparisons, ${failures} differences`);
process.exit(failures ? 1 : 0);
