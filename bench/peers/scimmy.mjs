// scimmy with scimmy-routers, as fast a store behind it as can be had: accounts in memory, by id and by userName,
// pages cut from an array; each write is answered when the log that it is appended to is on the disk, and writes
// that wait together share that.
//
//     node scimmy.mjs --fill N --ids FILE --log FILE      prints "listening PORT BASE TOKEN"
//
// FILE gets the ids of the N accounts, one a line. Packages are those of tests/e2e/scimmy.
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import { fill, option } from "./account.mjs";

const require = createRequire(new URL("../../tests/e2e/scimmy/package.json", import.meta.url));
const express = require("express");
const SCIMMY = require("scimmy").default;
const SCIMMYRouters = require("scimmy-routers").default;
const { Error: ScimError } = SCIMMY.Types;
const token = randomUUID();

// Lines that are appended while the disk is busy are written and synced together.
class Log {
    #fd;
    #lines = [];
    #waiting = [];
    #busy = false;

    constructor(path) {
        this.#fd = fs.openSync(path, "a");
    }

    append(record) {
        return new Promise((resolve, reject) => {
            this.#lines.push(JSON.stringify(record));
            this.#waiting.push({ resolve, reject });
            if (!this.#busy) this.#write();
        });
    }

    #write() {
        const waiting = this.#waiting;
        const text = `${this.#lines.join("\n")}\n`;
        this.#busy = true;
        this.#lines = [];
        this.#waiting = [];
        const done = (error) => {
            for (const { resolve, reject } of waiting) error ? reject(error) : resolve();
            this.#busy = false;
            if (this.#waiting.length > 0) this.#write();
        };
        fs.write(this.#fd, text, (error) => (error ? done(error) : fs.fdatasync(this.#fd, done)));
    }
}

// An entry holds the account that is there now.
class Store {
    #all = [];
    #byId = new Map();
    #byName = new Map();
    #log = new Log(option("log"));

    read(resource) {
        if (resource.id) return this.#known(resource.id).account;
        if (!resource.filter) return this.#page(resource);
        const [, operand] = /^\s*userName\s+eq\s+("(?:[^"\\]|\\.)*")\s*$/iu.exec(resource.filter.expression) ?? [];
        if (!operand) return resource.filter.match(this.#all.map((entry) => entry.account));
        const found = this.#byName.get(JSON.parse(operand).toLowerCase());
        return found ? [found.account] : [];
    }

    async write(resource, instance) {
        const account = this.put(resource.id && this.#known(resource.id), JSON.parse(JSON.stringify(instance)));
        await this.#log.append(account);
        return account;
    }

    put(known, account) {
        const key = account.userName.toLowerCase();
        const other = this.#byName.get(key);
        if (other && other !== known) throw new ScimError(409, "uniqueness", `userName '${account.userName}' is taken`);
        const now = new Date();
        const entry = known ?? {};
        if (known) this.#byName.delete(known.account.userName.toLowerCase());
        else this.#all.push(entry);
        account.id = known?.account.id ?? randomUUID();
        account.meta = { created: known?.account.meta.created ?? now, lastModified: now };
        entry.account = account;
        this.#byName.set(key, entry);
        this.#byId.set(account.id, entry);
        return account;
    }

    // scimmy drops what stands before startIndex unless the array is shorter than that.
    #page(resource) {
        const { startIndex = 1, count = 20 } = resource.constraints ?? {};
        resource.constraints = { ...resource.constraints, totalResults: this.#all.length };
        const from = startIndex <= count ? 0 : startIndex - 1;
        return this.#all.slice(from, startIndex - 1 + count).map((entry) => entry.account);
    }

    #known(id) {
        const entry = this.#byId.get(id);
        if (!entry) throw new ScimError(404, null, `there is no '${id}'`);
        return entry;
    }
}

const store = new Store();
SCIMMY.Resources.declare(SCIMMY.Resources.User, {
    egress: (resource) => store.read(resource),
    ingress: (resource, instance) => store.write(resource, instance),
    degress: () => {
        throw new ScimError(501, null, "nothing is deleted here");
    },
    extensions: [{ schema: SCIMMY.Schemas.EnterpriseUser, required: false }],
});

function authorized(request) {
    if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("the token is not accepted");
    return "bench";
}

await fill((account) => store.put(undefined, account).id);
const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.use("/scim/v2", new SCIMMYRouters({ type: "bearer", handler: authorized }));
const server = app.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port} /scim/v2 ${token}`));
server.keepAliveTimeout = 600000;
