// @boxyhq/saml-jackson's directory sync on PostgreSQL, the database that it takes by default. Without --database it
// keeps everything in memory, and a write is on no disk when it is answered.
//
//     node jackson.mjs [--database URL] --fill N --ids FILE      prints "listening PORT BASE TOKEN"
//
// FILE gets the ids of the N accounts, one a line. Packages are those of tests/e2e/jackson.
import assert from "node:assert";
import crypto from "node:crypto";
import http from "node:http";
import { createRequire } from "node:module";
import { fill, option } from "./account.mjs";

const require = createRequire(new URL("../../tests/e2e/jackson/package.json", import.meta.url));
const jackson = require("@boxyhq/saml-jackson").default;
const url = option("database");
const { directorySyncController: sync } = await jackson({
    externalUrl: "http://127.0.0.1",
    samlAudience: "usher",
    samlPath: "/saml",
    db: { ...(url ? { engine: "sql", type: "postgres", url } : { engine: "mem" }), pageLimit: 100 },
    noAnalytics: true,
    logger: { info() {}, warn() {}, error() {}, debug() {} },
});
const made = await sync.directories.create({ tenant: "bench", product: "bench", name: "bench", type: "generic-scim-v2" });
const { id, scim } = made.data;
const base = `/api/scim/v2.0/${id}`;

function ask(method, apiSecret, resourceId, query, body) {
    return sync.requests.handle({ method, body, directoryId: id, resourceId, resourceType: "Users", apiSecret, query });
}

async function body(request) {
    const parts = [];
    for await (const part of request) parts.push(part);
    return parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString("utf8")) : undefined;
}

async function handle(request, response) {
    const [path, query] = request.url.split("?");
    const params = new URLSearchParams(query);
    const number = (name) => (params.has(name) ? Number(params.get(name)) : undefined);
    const secret = request.headers.authorization?.slice("Bearer ".length);
    const resource = path.slice(`${base}/Users/`.length) || undefined;
    const result = await ask(request.method, secret, resource,
        { count: number("count"), startIndex: number("startIndex"), filter: params.get("filter") ?? undefined },
        request.method === "GET" ? undefined : await body(request));
    const text = JSON.stringify(result.data);
    response.writeHead(result.status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
    response.end(text);
}

const create = async (account) => (await ask("POST", scim.secret, undefined, {}, account)).data.id;

// What the store writes for an account: its row, and one for each of the two indexes.
const space = "dsync:users:bench:bench";
const hash = (text) => crypto.createHash("ripemd160").update(text).digest("hex");

function rows(account, user) {
    const { givenName: first_name, familyName: last_name } = account.name;
    const { userName: email, active } = account;
    const value = { first_name, last_name, email, active, id: user, directoryId: id, raw: { ...account, id: user } };
    const key = `${space}:${hash(user)}`;
    const names = [`${space}:directoryIdUsername:${hash(`${id}:${email}`)}`, `${space}:directoryId:${hash(id)}`];
    return { key, value: JSON.stringify(value), names };
}

// Those that were asked for at a time, put into the tables as the store would, which is a hundred times as fast. That it is the same
// is seen with the first of them, which are created as requests would create them.
async function bulk(database) {
    const client = new (require("pg").Client)(database);
    let seen = 0;
    await client.connect();
    return async (accounts) => {
        if (seen === 0) {
            const ids = await Promise.all(accounts.map(create));
            for (const [i, account] of accounts.entries()) {
                const made = rows(account, ids[i]);
                const stored = await client.query('SELECT value, iv, tag, namespace FROM jackson_store WHERE key = $1', [made.key]);
                const index = await client.query('SELECT key FROM jackson_index WHERE "storeKey" = $1 ORDER BY id', [made.key]);
                assert.deepEqual(stored.rows, [{ value: made.value, iv: null, tag: null, namespace: space }]);
                assert.deepEqual(index.rows.map((row) => row.key).sort(), made.names.toSorted());
            }
            seen = ids.length;
            return ids;
        }
        const ids = accounts.map(() => crypto.randomUUID());
        const all = accounts.map((account, i) => rows(account, ids[i]));
        await client.query("BEGIN");
        await client.query(
            'INSERT INTO jackson_store (key, value, "createdAt", "modifiedAt", namespace) SELECT k, v, now(), now(), $3 FROM unnest($1::text[], $2::text[]) AS t (k, v)',
            [all.map((one) => one.key), all.map((one) => one.value), space]);
        await client.query('INSERT INTO jackson_index (key, "storeKey") SELECT k, s FROM unnest($1::text[], $2::text[]) AS t (k, s)',
            [all.flatMap((one) => one.names), all.flatMap((one) => [one.key, one.key])]);
        await client.query("COMMIT");
        return ids;
    };
}

await fill(create, url && (await bulk(url)));
const server = http.createServer((request, response) => {
    handle(request, response).catch((error) => {
        response.writeHead(500);
        response.end(String(error.stack));
    });
});
server.keepAliveTimeout = 600000;
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port} ${base} ${scim.secret}`));
