/* Writes what the connector sends (scim.md 11): URLs, the body of a create, PATCH in the dialect of
 * RFC 7644. Everything that is the same for each request was worked out by scim_compile.c. */
#include "base/buf.h"
#include "connector/scim.h"
#include "scim/filter.h"

#define PATCH_HEAD \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":["
#define MASK "[Redact]"

enum { FILTER_MAX = 16 << 10 };

/* Flags of the reference service in a tenant URL: they are for the client, not for the server
 * (scim.md 11.4). */
static const struct str client_flags[] = {
    STR_INIT("aadOptscim062020"),
    STR_INIT("AzureAdScimPatch2017"),
};

static bool is_client_flag(struct str parameter)
{
    struct str name;

    str_cut(&parameter, '=', &name);
    for (size_t i = 0; i < ARRAY_LEN(client_flags); i++) {
        if (str_eq_ascii_nocase(client_flags[i], name))
            return true;
    }
    return false;
}

static struct str kept_query(struct arena *a, struct str query)
{
    CLEANUP(buf_done) struct buf kept;
    bool more = query.len > 0;

    buf_init(&kept, SCIM_URL_MAX);
    while (more) {
        struct str parameter;

        more = str_cut(&query, '&', &parameter);
        if (parameter.len == 0 || is_client_flag(parameter))
            continue;
        buf_add_z(&kept, kept.len ? "&" : "");
        buf_add(&kept, parameter);
    }
    return arena_str(a, buf_str(&kept));
}

static bool is_loopback(struct str host)
{
    struct str first;

    if (str_eq_ascii_nocase(host, STR("localhost")) || str_eq_z(host, "::1") ||
        str_eq_z(host, "[::1]"))
        return true;
    /* 127.0.0.0/8, and not a name that begins so. */
    for (size_t i = 0; i < host.len; i++) {
        if (!ascii_is_digit(host.ptr[i]) && host.ptr[i] != '.')
            return false;
    }
    str_cut(&host, '.', &first);
    return str_eq_z(first, "127");
}

bool scim_base_parse(struct arena *a, struct str text, bool allow_http, struct scim_base *out,
                     struct err *err)
{
    struct http_url url;
    size_t at;

    text = str_trim(text);
    if (!http_url_parse(text, &url, err))
        return err_wrap(err, "tenant URL");
    if (str_find_char(text, '#', &at))
        return err_set(err, ERR_INVALID, "badUrl", "tenant URL: it has a '#' part; remove it");
    if (str_find_char(
            str_sub(text, 0,
                    (size_t)(url.path.len ? url.path.ptr - text.ptr : (ptrdiff_t)text.len)),
            '@', &at)) {
        return err_set(err, ERR_INVALID, "badUrl",
                       "tenant URL: it carries a user name; the token goes into its own field");
    }
    if (str_eq_ascii_nocase(url.scheme, STR("http")) && !allow_http && !is_loopback(url.host)) {
        return err_set(
            err, ERR_INVALID, "badUrl",
            "tenant URL: plain http is possible to this machine only; '%.*s' needs https",
            STR_ARG(url.host));
    }

    struct str whole = text;
    if (str_find_char(text, '?', &at))
        whole = str_sub(text, 0, at);
    while (str_ends(whole, STR("/")))
        whole.len--;
    size_t scheme_end = url.scheme.len + 3;
    struct str rest = str_from(whole, scheme_end);
    *out = (struct scim_base){
        .url = arena_str(a, whole),
        .path_at = str_find_char(rest, '/', &at) ? scheme_end + at : whole.len,
        .query = kept_query(a, url.query),
    };
    return true;
}

/* Ends a URL: the kept query is sent, but it may hold a key and is not shown. */
static void end_url(struct buf *out, const struct scim_base *base, bool has_query,
                    struct str *shown)
{
    size_t end = out->len;

    if (base->query.len) {
        buf_add_char(out, has_query ? '&' : '?');
        buf_add(out, base->query);
    }
    *shown = str_sub(buf_str(out), base->path_at, end - base->path_at);
}

void scim_write_find_url(struct buf *out, const struct scim_base *base, const struct scim_object *o,
                         const struct mapping_criterion *by, struct str *shown)
{
    CLEANUP(buf_done) struct buf filter;

    buf_init(&filter, FILTER_MAX);
    for (size_t i = 0; i < by->count; i++) {
        const struct mapping_attribute *m = by->attributes[i];

        buf_add_z(&filter, i ? " and " : "");
        buf_add(&filter, o->attributes[m - o->mapping->attributes].filter);
        json_write(&filter, by->values[i]);
    }
    if (filter.overflowed)
        out->overflowed = true;
    buf_add(out, base->url);
    buf_add(out, o->endpoint);
    buf_add_char(out, '?');
    if (o->mapping->kind == SOURCE_GROUP)
        buf_add_z(out, "excludedAttributes=members&");
    buf_add_z(out, "filter=");
    http_url_encode(out, buf_str(&filter));
    end_url(out, base, true, shown);
}

void scim_write_list_url(struct buf *out, const struct scim_base *base, const struct scim_object *o,
                         const struct target_page *page, struct str *shown)
{
    buf_add(out, base->url);
    buf_add(out, o->endpoint);
    buf_add_char(out, '?');
    if (o->mapping->kind == SOURCE_GROUP && !page->references)
        buf_add_z(out, "excludedAttributes=members&");
    if (str_starts(page->cursor, STR("c"))) {
        buf_add_z(out, "cursor=");
        http_url_encode(out, str_from(page->cursor, 1));
    } else {
        buf_add_z(out, "startIndex=");
        buf_add(out, page->cursor.len ? page->cursor : STR("1"));
    }
    buf_addf(out, "&count=%zu", page->count);
    end_url(out, base, true, shown);
}

void scim_write_url(struct buf *out, const struct scim_base *base, const struct scim_object *o,
                    struct str id, enum http_method method, struct str *shown)
{
    bool has_query = method == HTTP_GET && o->mapping->kind == SOURCE_GROUP;

    buf_add(out, base->url);
    buf_add(out, o->endpoint);
    if (id.len) {
        buf_add_char(out, '/');
        http_url_encode(out, id);
    }
    if (has_query)
        buf_add_z(out, "?excludedAttributes=members");
    end_url(out, base, has_query, shown);
}

static void write_one(struct buf *out, const struct json *v, bool as_object)
{
    if (as_object && !json_is(v, JSON_OBJECT)) {
        buf_add_z(out, "{\"value\":");
        json_write(out, v);
        buf_add_char(out, '}');
    } else {
        json_write(out, v);
    }
}

static void write_value(struct buf *out, const struct scim_attribute *t, const struct json *v,
                        enum scim_secrets secrets)
{
    /* A reference is an object with the id, but for a mapping that names the id itself. */
    bool as_object = t->value_objects || (t->mapping->is_reference && t->sub.len == 0);

    if (t->mapping->secret && secrets == SCIM_SECRETS_MASKED) {
        buf_add_z(out, "\"" MASK "\"");
    } else if (t->mapping->multivalued) {
        bool first = true;

        buf_add_char(out, '[');
        if (v->type != JSON_ARRAY) {
            write_one(out, v, as_object);
        } else {
            JSON_EACH(item, v)
            {
                buf_add_z(out, first ? "" : ",");
                write_one(out, item, as_object);
                first = false;
            }
        }
        buf_add_char(out, ']');
    } else {
        write_one(out, v, as_object);
    }
}

struct writer {
    struct buf *out;
    const struct scim_object *object;
    const struct json *const *values; /* by place in the mapping; NULL: none */
    enum scim_secrets secrets;
};

static bool has_value(const struct writer *w, const struct scim_body *b)
{
    if (b->kind == BODY_VALUE)
        return w->values[b->attribute] != NULL;
    for (const struct scim_body *c = b->first; c; c = c->next) {
        if (has_value(w, c))
            return true;
    }
    return false;
}

static void write_body(const struct writer *w, const struct scim_body *b);

/* The children that have a value. `comma`: something stands before them. */
static void write_children(const struct writer *w, const struct scim_body *b, bool comma)
{
    for (const struct scim_body *c = b->first; c; c = c->next) {
        if (!has_value(w, c))
            continue;
        buf_add_z(w->out, comma ? "," : "");
        write_body(w, c);
        comma = true;
    }
}

static void write_body(const struct writer *w, const struct scim_body *b)
{
    if (b->kind != BODY_ELEMENT)
        buf_add(w->out, b->head);
    switch (b->kind) {
    case BODY_VALUE:
        write_value(w->out, &w->object->attributes[b->attribute], w->values[b->attribute],
                    w->secrets);
        break;
    case BODY_OBJECT:
        buf_add_char(w->out, '{');
        write_children(w, b, false);
        buf_add_char(w->out, '}');
        break;
    case BODY_ARRAY:
        buf_add_char(w->out, '[');
        write_children(w, b, false);
        buf_add_char(w->out, ']');
        break;
    case BODY_ELEMENT:
        buf_add_char(w->out, '{');
        buf_add(w->out, b->fixed);
        write_children(w, b, true);
        buf_add_z(w->out, b->primary ? ",\"primary\":true}" : "}");
        break;
    }
}

static bool is_empty(const struct json *v)
{
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           (v->type == JSON_ARRAY && v->count == 0);
}

void scim_write_create(struct buf *out, const struct scim_object *o,
                       const struct mapping_changes *want, enum scim_secrets secrets)
{
    const struct json *values[SCIM_ATTRIBUTES_MAX];
    struct writer w = {out, o, values, secrets};

    assert(o->mapping->attribute_count <= SCIM_ATTRIBUTES_MAX);
    for (size_t i = 0; i < o->mapping->attribute_count; i++)
        values[i] = NULL;
    for (size_t i = 0; i < want->count; i++) {
        if (!is_empty(want->items[i].after))
            values[want->items[i].attribute - o->mapping->attributes] = want->items[i].after;
    }
    buf_add_z(out, "{\"schemas\":[\"");
    buf_add(out, o->core_urn);
    buf_add_char(out, '"');
    for (const struct scim_body *e = o->extensions.first; e; e = e->next) {
        if (has_value(&w, e)) {
            buf_add_char(out, ',');
            buf_add(out, str_sub(e->head, 0, e->head.len - 1));
        }
    }
    buf_add_char(out, ']');
    write_children(&w, &o->core, true);
    buf_add_z(out, ",\"meta\":{\"resourceType\":\"");
    buf_add(out, o->type);
    buf_add_z(out, "\"}");
    write_children(&w, &o->extensions, true);
    buf_add_char(out, '}');
}

/* Is this the first of the changes that belong to its element? */
static bool leads_its_element(const struct scim_object *o, const struct mapping_changes *changes,
                              size_t at)
{
    const struct mapping_attribute *all = o->mapping->attributes;
    const struct scim_body *element = o->attributes[changes->items[at].attribute - all].element;

    for (size_t i = 0; i < at; i++) {
        if (o->attributes[changes->items[i].attribute - all].element == element &&
            changes->items[i].after)
            return false;
    }
    return true;
}

static void begin_operation(struct buf *out, bool first, const char *op, struct str path_json)
{
    buf_add_z(out, first ? "{\"op\":\"" : ",{\"op\":\"");
    buf_add_z(out, op);
    buf_add_z(out, "\",\"path\":");
    buf_add(out, path_json);
}

static void write_change(const struct writer *w, const struct mapping_change *c, bool first)
{
    const struct scim_attribute *t =
        &w->object->attributes[c->attribute - w->object->mapping->attributes];

    begin_operation(w->out, first,
                    !c->after             ? "remove"
                    : is_empty(c->before) ? "add"
                                          : "replace",
                    t->path_json);
    if (c->after) {
        buf_add_z(w->out, ",\"value\":");
        write_value(w->out, t, c->after, w->secrets);
    }
    buf_add_char(w->out, '}');
}

static void add_element(const struct writer *w, const struct scim_attribute *t, bool first)
{
    begin_operation(w->out, first, "add", t->list_json);
    buf_add_z(w->out, ",\"value\":[{");
    buf_add(w->out, t->element->fixed);
    write_children(w, t->element, true);
    buf_add_z(w->out, "}]}");
}

bool scim_write_patch(struct buf *out, const struct scim_object *o,
                      const struct mapping_changes *changes, const struct json *resource,
                      enum scim_secrets secrets)
{
    const struct json *values[SCIM_ATTRIBUTES_MAX];
    struct writer w = {out, o, values, secrets};
    bool first = true;

    for (size_t i = 0; i < o->mapping->attribute_count; i++)
        values[i] = NULL;
    for (size_t i = 0; i < changes->count; i++)
        values[changes->items[i].attribute - o->mapping->attributes] = changes->items[i].after;
    buf_add_z(out, PATCH_HEAD);
    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *c = &changes->items[i];
        const struct scim_attribute *t = &o->attributes[c->attribute - o->mapping->attributes];

        if (resource && t->element && !scim_has_element(t, resource)) {
            if (!c->after || !leads_its_element(o, changes, i))
                continue;
            add_element(&w, t, first);
        } else {
            write_change(&w, c, first);
        }
        first = false;
    }
    buf_add_z(out, "]}");
    return !first;
}

/* members[value eq "id"]: quoted for the filter, and that again for JSON. */
static void write_member_path(struct buf *out, const struct scim_attribute *t, struct str id)
{
    CLEANUP(buf_done) struct buf path;

    buf_init(&path, FILTER_MAX);
    buf_add(&path, t->path);
    buf_add_z(&path, "[value eq ");
    json_write_text(&path, id);
    buf_add_char(&path, ']');
    json_write_text(out, buf_str(&path));
}

void scim_write_members(struct buf *out, const struct scim_attribute *attribute,
                        enum scim_member_op op, const struct str *ids, size_t count)
{
    buf_add_z(out, PATCH_HEAD);
    if (op == SCIM_MEMBERS_ADD) {
        buf_add_z(out, "{\"op\":\"add\",\"path\":");
        buf_add(out, attribute->path_json);
        buf_add_z(out, ",\"value\":[");
        for (size_t i = 0; i < count; i++) {
            buf_add_z(out, i ? ",{\"value\":" : "{\"value\":");
            json_write_text(out, ids[i]);
            buf_add_char(out, '}');
        }
        buf_add_z(out, "]}");
    } else {
        for (size_t i = 0; i < count; i++) {
            buf_add_z(out, i ? ",{\"op\":\"remove\",\"path\":" : "{\"op\":\"remove\",\"path\":");
            write_member_path(out, attribute, ids[i]);
            buf_add_char(out, '}');
        }
    }
    buf_add_z(out, "]}");
}
