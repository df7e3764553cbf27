#include "provider/internal.h"

bool version_listed(struct str header, int64_t version)
{
    char text[32];
    struct str mine, tag;
    bool more = header.len > 0;

    if (!more)
        return false;
    mine = str_from(represent_version(version, text), 2); /* without W/ */
    while (more) {
        more = str_cut(&header, ',', &tag);
        tag = str_trim(tag);
        if (str_eq(tag, STR("*")))
            return true;
        if (str_starts(tag, STR("W/")) || str_starts(tag, STR("w/")))
            tag = str_from(tag, 2);
        if (str_eq(tag, mine))
            return true;
    }
    return false;
}

static bool read_one(struct call *c, struct db *db, struct stored *s, struct buf *out,
                     struct err *err)
{
    if (!scim_projection_parse(c->arena, c->type, c->attributes, c->excluded, &c->projection,
                               err) ||
        !store_load(db, c->arena, c->tenant->no, c->kind, c->id, s, err))
        return false;
    if (version_listed(http_request_header(c->x, "If-None-Match"), s->version))
        return true;
    return represent_write(c, db, s, out, err);
}

void read_handle(struct call *c, struct db *db)
{
    CLEANUP(buf_done) struct buf out;
    struct err err = {0};
    struct stored s;

    buf_init(&out, PROVIDER_ANSWER_MAX);
    if (!read_one(c, db, &s, &out, &err)) {
        reply_error(c, &err);
        return;
    }
    reply_version(c, s.version);
    if (c->me)
        reply_location(c, s.id);
    if (out.len == 0) {
        reply_empty(c, 304);
    } else {
        reply_json(c, 200, buf_str(&out));
    }
}
