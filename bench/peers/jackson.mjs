// @boxyhq/saml-jackson's directory sync on PostgreSQL, the database that it takes by default. Without --database it
// keeps everything in memory, and a write is on no disk when it is answered.
//
//     node jackson.mjs [--database URL] --fill N --ids FILE      prints "listening PORT BASE TOKEN"
//
// FILE gets the ids of the N accounts, one a line. Packages are those of tests/e2e/jackson.
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

await fill(async (account) => (await ask("POST", scim.secret, undefined, {}, account)).data.id);
const server = http.createServer((request, response) => {
    handle(request, response).catch((error) => {
        response.writeHead(500);
        response.end(String(error.stack));
    });
});
server.keepAliveTimeout = 600000;
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port} ${base} ${scim.secret}`));
