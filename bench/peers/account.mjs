// What both peers share: the accounts they are filled with, and their command line.
import fs from "node:fs";

const CORE = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

export function option(name) {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : process.argv[at + 1];
}

// As bench/provider.c creates them.
export function account(n) {
    const number = String(n).padStart(7, "0");
    const userName = `person${number}@example.com`;
    return {
        schemas: [CORE, ENTERPRISE],
        userName,
        active: true,
        name: { givenName: "Person", familyName: `Number ${n}` },
        emails: [{ type: "work", primary: true, value: userName }],
        addresses: [{ type: "work", formatted: `${n % 1000} Main Street, Springfield` }],
        phoneNumbers: [{ type: "mobile", value: `+1 555 ${number}` }],
        [ENTERPRISE]: { department: "Field service" },
    };
}

// create(account) gives, or promises, the id that the account has got; some are asked for at a time, or together by
// bulk(accounts), where that is faster.
export async function fill(create, bulk) {
    const count = Number(option("fill") ?? 0);
    const step = (n) => (bulk && n > 0 ? 1000 : 32);
    const ids = [];
    while (ids.length < count) {
        const next = Math.min(step(ids.length), count - ids.length);
        const some = Array.from({ length: next }, (_, i) => account(ids.length + i));
        ids.push(...(bulk ? await bulk(some) : await Promise.all(some.map(create))));
    }
    fs.writeFileSync(option("ids"), ids.map((id) => `${id}\n`).join(""));
}
