/* Writes what the connector sends (scim.md 11): URLs, values, the body of a create. Everything that
 * is the same for each request was worked out by compile.c. */
#include "connector/scim/body.h"
#include "scim/filter.h"

#define MASK "[Redact]"

enum { FILTER_MAX = 16 << 10 };

/* Flags of the reference service in a tenant URL: they are for the client, not for the server
 * (scim.md 11.4). */
static const struct {
    struct str name;
    enum client_dialect dialect;
} client_flags[] = {
    {STR_INIT("aadOptscim062020"), DIALECT_ENTRA2020},
    {STR_INIT("AzureAdScimPatch2017"), DIALECT_ENTRA_LEGACY},
};

static bool is_client_flag(struct str parameter, enum client_dialect *out)
{
    struct str name;

    str_cut(&parameter, '=', &name);
    for (size_t i = 0; i < ARRAY_LEN(client_flags); i++) {
        if (str_eq_ascii_nocase(client_flags[i].name, name)) {
            *out = client_flags[i].dialect;
            return true;
        }
    }
    return false;
}

static struct str kept_query(struct arena *a, struct str query, enum client_dialect *out)
{
    CLEANUP(buf_done) struct buf kept;
    bool more = query.len > 0;

    buf_init(&kept, SCIM_URL_MAX);
    while (more) {
        struct str parameter;

        more = str_cut(&query, '&', &parameter);
        if (parameter.len == 0 || is_client_flag(parameter, out))
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
    };
    out->query = kept_query(a, url.query, &out->dialect);
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

/* A '+' of the value is always written %2B, so that one that is left is a blank. */
static void encode_filter(struct buf *out, struct str filter, const struct scim_style *style)
{
    struct str part;
    bool more = true;

    while (more) {
        more = str_cut(&filter, ' ', &part);
        http_url_encode(out, part);
        if (more)
            buf_add_z(out, style->plus ? "+" : "%20");
    }
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
    encode_filter(out, buf_str(&filter), o->style);
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

/* A manager and its like: one reference to another account. */
static void write_reference(struct buf *out, const struct scim_style *style, const struct json *v)
{
    enum client_manager how = style->manager;

    /* In the legacy dialect the id stands alone, or is an array with a $ref. */
    if (style->dialect == DIALECT_ENTRA_LEGACY && how == MANAGER_OBJECT)
        how = MANAGER_ID;
    switch (how) {
    case MANAGER_OBJECT:
        write_one(out, v, true);
        break;
    case MANAGER_ID:
        write_one(out, v, false);
        break;
    case MANAGER_ARRAY:
        if (style->dialect == DIALECT_ENTRA_LEGACY) {
            buf_add_z(out, "[{\"$ref\":null,\"value\":");
            json_write(out, v);
            buf_add_z(out, "}]");
        } else {
            buf_add_char(out, '[');
            write_one(out, v, true);
            buf_add_char(out, ']');
        }
        break;
    }
}

/* A single value is a list of one. */
static void write_many(struct buf *out, const struct json *v, bool as_object)
{
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
}

void scim_write_value(struct buf *out, const struct scim_attribute *t,
                      const struct scim_style *style, const struct json *v,
                      enum scim_secrets secrets)
{
    /* A reference is an object with the id, but for a mapping that names the id itself. */
    bool as_object = t->value_objects || (t->mapping->is_reference && t->sub.len == 0);

    if (t->mapping->secret && secrets == SCIM_SECRETS_MASKED) {
        buf_add_z(out, "\"" MASK "\"");
    } else if (t->mapping->multivalued) {
        write_many(out, v, as_object);
    } else if (as_object && !json_is(v, JSON_OBJECT)) {
        write_reference(out, style, v);
    } else {
        write_one(out, v, false);
    }
}

static bool has_value(const struct scim_writer *w, const struct scim_body *b)
{
    if (b->kind == BODY_VALUE)
        return w->values[b->attribute] != NULL;
    for (const struct scim_body *c = b->first; c; c = c->next) {
        if (has_value(w, c))
            return true;
    }
    return false;
}

static void write_body(const struct scim_writer *w, const struct scim_body *b);

void scim_write_children(const struct scim_writer *w, const struct scim_body *b, bool comma)
{
    for (const struct scim_body *c = b->first; c; c = c->next) {
        if (!has_value(w, c))
            continue;
        buf_add_z(w->out, comma ? "," : "");
        write_body(w, c);
        comma = true;
    }
}

static void write_body(const struct scim_writer *w, const struct scim_body *b)
{
    if (b->kind != BODY_ELEMENT)
        buf_add(w->out, b->head);
    switch (b->kind) {
    case BODY_VALUE:
        scim_write_value(w->out, &w->object->attributes[b->attribute], w->object->style,
                         w->values[b->attribute], w->secrets);
        break;
    case BODY_OBJECT:
        buf_add_char(w->out, '{');
        scim_write_children(w, b, false);
        buf_add_char(w->out, '}');
        break;
    case BODY_ARRAY:
        buf_add_char(w->out, '[');
        scim_write_children(w, b, false);
        buf_add_char(w->out, ']');
        break;
    case BODY_ELEMENT:
        buf_add_char(w->out, '{');
        buf_add(w->out, b->fixed);
        scim_write_children(w, b, true);
        buf_add_z(w->out,
                  b->primary && w->object->style->primary_for_work ? ",\"primary\":true}" : "}");
        break;
    }
}

bool scim_is_empty(const struct json *v)
{
    return !v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0) ||
           (v->type == JSON_ARRAY && v->count == 0);
}

void scim_write_create(struct buf *out, const struct scim_object *o,
                       const struct mapping_changes *want, enum scim_secrets secrets)
{
    const struct json *values[SCIM_ATTRIBUTES_MAX];
    struct scim_writer w = {out, o, values, secrets};

    assert(o->mapping->attribute_count <= SCIM_ATTRIBUTES_MAX);
    for (size_t i = 0; i < o->mapping->attribute_count; i++)
        values[i] = NULL;
    for (size_t i = 0; i < want->count; i++) {
        if (!scim_is_empty(want->items[i].after))
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
    scim_write_children(&w, &o->core, true);
    if (o->style->send_meta) {
        buf_add_z(out, ",\"meta\":{\"resourceType\":\"");
        buf_add(out, o->type);
        buf_add_z(out, "\"}");
    }
    scim_write_children(&w, &o->extensions, true);
    buf_add_char(out, '}');
}
