// A directory-sync endpoint that nobody of usher wrote: @boxyhq/saml-jackson, with its database in memory. This
// file is only HTTP around it, as the applications that embed it have it.
//
//     node server.mjs [--port N]      prints "listening PORT DIRECTORY SECRET" when it is ready
//
// The base URL is /api/scim/v2.0/DIRECTORY. A group read over SCIM has no members there, so beside it
// /members/GROUP lists what jackson itself holds, for the tests; it needs the secret, too.
import http from "node:http";
import jackson from "@boxyhq/saml-jackson";

const port = Number(process.argv[process.argv.indexOf("--port") + 1]) || 0;
const quiet = { info() {}, warn() {}, error() {}, debug() {} };
const { directorySyncController: sync } = await jackson.controllers({
    externalUrl: "http://127.0.0.1",
    samlAudience: "usher",
    samlPath: "/saml",
    db: { engine: "mem" },
    noAnalytics: true,
    logger: quiet,
});
const made = await sync.directories.create({ tenant: "plant", product: "e2e", name: "e2e", type: "generic-scim-v2" });
const { id, scim } = made.data;

function answer(response, status, data) {
    const text = data === undefined || data === null ? "" : JSON.stringify(data);
    response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
    response.end(text);
}

async function body(request) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString("utf8");
    return text ? JSON.parse(text) : undefined;
}

async function members(group) {
    sync.groups.setTenantAndProduct("plant", "e2e");
    const { data } = await sync.groups.getGroupMembers({ groupId: group });
    return data.map((member) => member.user_id);
}

async function handle(request, response) {
    const url = new URL(request.url, "http://127.0.0.1");
    const secret = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    const [, , , , directory, type, resource] = url.pathname.split("/");
    if (url.pathname.startsWith("/members/") && secret === scim.secret)
        return answer(response, 200, await members(url.pathname.split("/")[2]));
    if (!url.pathname.startsWith("/api/scim/v2.0/") || !type) return answer(response, 404, {});
    const number = (name) => (url.searchParams.has(name) ? Number(url.searchParams.get(name)) : undefined);
    const result = await sync.requests.handle({
        method: request.method,
        body: await body(request),
        directoryId: directory,
        resourceId: resource && decodeURIComponent(resource),
        resourceType: type,
        apiSecret: secret,
        query: { count: number("count"), startIndex: number("startIndex"), filter: url.searchParams.get("filter") ?? undefined },
    });
    return answer(response, result.status, result.data);
}

const server = http.createServer((request, response) => {
    handle(request, response).catch((error) => answer(response, error instanceof SyntaxError ? 400 : 500, { detail: String(error.message) }));
});
server.listen(port, "127.0.0.1", () => console.log(`listening ${server.address().port} ${id} ${scim.secret}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
