// A SCIM 2.0 server that nobody of usher wrote: scimmy with scimmy-routers. This file is only the
// application behind it, accounts and groups in memory.
//
//     node server.mjs [--port N]      TOKEN in the environment (default "scimmy-token")
//
// prints "listening PORT" when it is ready. Beside /scim/v2 there is /log for the tests: the requests
// since it was last asked, one "METHOD path" a line, and it needs the token, too.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const token = process.env.TOKEN ?? "scimmy-token";
const port = Number(process.argv[process.argv.indexOf("--port") + 1]) || 0;
const { Error: ScimError } = SCIMMY.Types;
const ENTERPRISE = SCIMMY.Schemas.EnterpriseUser.id;
const stores = [];

// One kind of resource: its records by id, and the member whose values are unique without regard to
// case, as RFC 7643 has it for userName.
class Store {
    #records = new Map();
    #unique;

    constructor(unique) {
        this.#unique = unique;
        stores.push(this);
    }

    // Reads one or, by filter, many. Operands of "eq" are JSON strings (RFC 7644, 3.4.2.2); scimmy's
    // own filter does not resolve their escapes, and its documentation says to bring another one then.
    read(resource) {
        if (resource.id) return this.#known(resource.id);
        const all = [...this.#records.values()];
        if (!resource.filter) return all;
        const [, name, operand] = /^\s*(\w+)\s+eq\s+("(?:[^"\\]|\\.)*")\s*$/iu.exec(resource.filter.expression) ?? [];
        if (!name) return resource.filter.match(all);
        const wanted = JSON.parse(operand);
        const same = name.toLowerCase() === this.#unique.toLowerCase()
            ? (value) => value?.toLowerCase() === wanted.toLowerCase()
            : (value) => value === wanted;
        return all.filter((record) => same(record[Object.keys(record).find((key) => key.toLowerCase() === name.toLowerCase())]));
    }

    write(resource, instance) {
        const old = resource.id ? this.#known(resource.id) : undefined;
        const key = instance[this.#unique].toLowerCase();
        for (const other of this.#records.values()) {
            if (other !== old && other[this.#unique].toLowerCase() === key)
                throw new ScimError(409, "uniqueness", `${this.#unique} '${instance[this.#unique]}' is taken`);
        }
        const now = new Date();
        const record = {
            ...JSON.parse(JSON.stringify(instance)),
            id: old?.id ?? randomUUID(),
            meta: { ...old?.meta, created: old?.meta.created ?? now, lastModified: now },
        };
        // Adding a member again changes nothing (RFC 7644, 3.5.2.1); scimmy leaves that to the store.
        record.members = record.members && [...new Map(record.members.map((member) => [member.value, member])).values()];
        this.#records.set(record.id, record);
        return record;
    }

    remove(resource) {
        this.#known(resource.id);
        this.#records.delete(resource.id);
        for (const store of stores) store.#forget(resource.id);
    }

    // An account that is gone is no member of anything any more, and nobody's manager.
    #forget(id) {
        for (const record of this.#records.values()) {
            record.members = record.members?.filter((member) => member.value !== id);
            if (record[ENTERPRISE]?.manager?.value === id) delete record[ENTERPRISE].manager;
        }
    }

    #known(id) {
        const record = this.#records.get(id);
        if (!record) throw new ScimError(404, null, `there is no '${id}'`);
        return record;
    }
}

function declare(resource, unique, extensions = []) {
    const store = new Store(unique);
    SCIMMY.Resources.declare(resource, {
        egress: (r) => store.read(r),
        ingress: (r, instance) => store.write(r, instance),
        degress: (r) => store.remove(r),
        extensions,
    });
}

function authorized(request) {
    if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("the token is not accepted");
    return "usher";
}

declare(SCIMMY.Resources.User, "userName", [{ schema: SCIMMY.Schemas.EnterpriseUser, required: false }]);
declare(SCIMMY.Resources.Group, "displayName");

const app = express();
const log = [];
app.disable("x-powered-by");
app.get("/log", (request, response) => {
    try {
        authorized(request);
        response.type("text/plain").send(log.splice(0).map((line) => `${line}\n`).join(""));
    } catch (error) {
        response.status(401).send(`${error.message}\n`);
    }
});
app.use((request, response, next) => {
    log.push(`${request.method} ${request.path.replace(/^\/scim\/v2/, "")}`);
    next();
});
app.use("/scim/v2", new SCIMMYRouters({ type: "bearer", handler: authorized }));

const server = app.listen(port, "127.0.0.1", () => console.log(`listening ${server.address().port}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
