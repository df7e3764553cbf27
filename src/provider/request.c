#include "base/unicode.h"
#include "provider/internal.h"

#define PREFIX "/scim/"

#define GET_HEAD (1u << HTTP_GET | 1u << HTTP_HEAD)
#define ITEM     (GET_HEAD | 1u << HTTP_PUT | 1u << HTTP_PATCH | 1u << HTTP_DELETE)
#define LIST     (GET_HEAD | 1u << HTTP_POST)

static const unsigned methods_of[] = {
    [ENDPOINT_UNKNOWN] = 0,
    [ENDPOINT_ROOT] = GET_HEAD,
    [ENDPOINT_USERS] = LIST,
    [ENDPOINT_USER] = ITEM,
    [ENDPOINT_GROUPS] = LIST,
    [ENDPOINT_GROUP] = ITEM,
    [ENDPOINT_CONFIG] = GET_HEAD,
    [ENDPOINT_RESOURCE_TYPES] = GET_HEAD,
    [ENDPOINT_RESOURCE_TYPE] = GET_HEAD,
    [ENDPOINT_SCHEMAS] = GET_HEAD,
    [ENDPOINT_SCHEMA] = GET_HEAD,
    [ENDPOINT_SEARCH] = 1u << HTTP_POST,
    [ENDPOINT_USERS_SEARCH] = 1u << HTTP_POST,
    [ENDPOINT_GROUPS_SEARCH] = 1u << HTTP_POST,
    [ENDPOINT_BULK] = 1u << HTTP_POST,
    [ENDPOINT_ME] = ~0u,
    [ENDPOINT_CHANGES] = GET_HEAD,
};
static_assert(ARRAY_LEN(methods_of) == ENDPOINT_COUNT, "every endpoint has its methods");

static const struct {
    struct str name;
    enum endpoint alone;
    enum endpoint with_id;
} endpoints[] = {
    {STR_INIT("Users"), ENDPOINT_USERS, ENDPOINT_USER},
    {STR_INIT("Groups"), ENDPOINT_GROUPS, ENDPOINT_GROUP},
    {STR_INIT("ServiceProviderConfig"), ENDPOINT_CONFIG, ENDPOINT_UNKNOWN},
    {STR_INIT("ResourceTypes"), ENDPOINT_RESOURCE_TYPES, ENDPOINT_RESOURCE_TYPE},
    {STR_INIT("Schemas"), ENDPOINT_SCHEMAS, ENDPOINT_SCHEMA},
    {STR_INIT("Bulk"), ENDPOINT_BULK, ENDPOINT_UNKNOWN},
    {STR_INIT("Me"), ENDPOINT_ME, ENDPOINT_UNKNOWN},
    {STR_INIT(".search"), ENDPOINT_SEARCH, ENDPOINT_UNKNOWN},
};

unsigned endpoint_methods(enum endpoint endpoint)
{
    return methods_of[endpoint];
}

static int hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool malformed(struct err *err)
{
    return err_set(err, ERR_INVALID, "invalidSyntax", "the URL is not well encoded");
}

bool percent_decode(struct arena *a, struct str text, bool plus_is_space, struct str *out,
                    struct err *err)
{
    char *to;
    size_t len = 0;

    if (text.len == 0 || (!memchr(text.ptr, '%', text.len) && !memchr(text.ptr, '+', text.len))) {
        *out = text;
        return utf8_valid(text, NULL) || malformed(err);
    }
    to = arena_alloc(a, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return malformed(err);
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to[len++] = c;
    }
    *out = (struct str){to, len};
    return utf8_valid(*out, NULL) || malformed(err);
}

/* The next segment of a path, repeated slashes being one; false at the end. */
static bool next_segment(struct str *rest, struct str *out)
{
    while (rest->len > 0 && rest->ptr[0] == '/')
        *rest = str_from(*rest, 1);
    if (rest->len == 0)
        return false;
    str_cut(rest, '/', out);
    return true;
}

static enum endpoint find_endpoint(struct str name, bool with_id)
{
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        if (str_eq_ascii_nocase(endpoints[i].name, name))
            return with_id ? endpoints[i].with_id : endpoints[i].alone;
    }
    return ENDPOINT_UNKNOWN;
}

/* "v1", "V3" */
static bool is_version(struct str segment)
{
    int64_t n;

    return segment.len > 1 && ascii_lower(segment.ptr[0]) == 'v' &&
           str_to_int(str_from(segment, 1), 0, 1000, &n);
}

static bool decode_segment(struct call *c, struct str segment, struct str *out)
{
    c->bad_url = !percent_decode(c->arena, segment, false, out, NULL);
    return !c->bad_url;
}

/* "/scim/NAME/v2/Users/ID" */
static void parse_path(struct call *c)
{
    struct str rest = str_from(http_request_path(c->x), sizeof(PREFIX) - 1);
    struct str segment, name, extra;
    bool with_id;

    if (!next_segment(&rest, &segment) || !decode_segment(c, segment, &c->tenant_name) ||
        !next_segment(&rest, &segment))
        return;
    if (str_eq_ascii_nocase(segment, STR("changes")) && !next_segment(&rest, &extra)) {
        c->endpoint = ENDPOINT_CHANGES;
        return;
    }
    if (!str_eq_ascii_nocase(segment, STR("v2"))) {
        c->bad_version = is_version(segment);
        return;
    }
    if (!next_segment(&rest, &segment)) {
        c->endpoint = ENDPOINT_ROOT;
        return;
    }
    if (!decode_segment(c, segment, &name))
        return;
    with_id = next_segment(&rest, &segment);
    if (with_id && !decode_segment(c, segment, &c->id))
        return;
    if (next_segment(&rest, &extra))
        return;
    c->endpoint = find_endpoint(name, with_id);
    if (!with_id || !str_eq_ascii_nocase(c->id, STR(".search")))
        return;
    if (c->endpoint == ENDPOINT_USER) {
        c->endpoint = ENDPOINT_USERS_SEARCH;
    } else if (c->endpoint == ENDPOINT_GROUP) {
        c->endpoint = ENDPOINT_GROUPS_SEARCH;
    }
}

/* "https://host/scim/NAME/v2": joined by hand, since every request needs it. */
static struct str base_url(struct call *c)
{
    const char *public_url = c->provider->config.public_url;
    struct str parts[] = {
        str_from_z(public_url), {0}, STR(PREFIX), c->tenant_name, STR("/v2"),
    };
    size_t len = 0, at = 0;
    char *text;

    if (!public_url) {
        parts[0] = http_request_is_tls(c->x) ? STR("https://") : STR("http://");
        parts[1] = http_request_header(c->x, "Host");
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        len += parts[i].len;
    text = arena_alloc(c->arena, len);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].len > 0)
            memcpy(text + at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return (struct str){text, len};
}

/* application/json is wanted when Accept names it and neither SCIM's type nor a wildcard
 * (scim.md 2.3). */
static bool wants_plain_json(struct str accept)
{
    bool plain = false, more = accept.len > 0;

    while (more) {
        struct str range, type;

        more = str_cut(&accept, ',', &range);
        str_cut(&range, ';', &type);
        type = str_trim(type);
        if (str_eq_ascii_nocase(type, STR("application/scim+json")) || str_ends(type, STR("*")))
            return false;
        plain = plain || str_eq_ascii_nocase(type, STR("application/json"));
    }
    return plain;
}

void call_init(struct call *c, struct provider *p, struct http_exchange *x)
{
    *c = (struct call){.provider = p,
                       .changes = p->changes,
                       .x = x,
                       .arena = http_arena(x),
                       .method = http_request_method(x)};
    parse_path(c);
    c->base = base_url(c);
    c->plain_json = wants_plain_json(http_request_header(x, "Accept"));
}

struct str call_token(const struct call *c)
{
    struct str header = http_request_header(c->x, "Authorization");
    struct str scheme;

    if (!str_cut(&header, ' ', &scheme) || !str_eq_ascii_nocase(scheme, STR("Bearer")))
        return (struct str){0};
    return str_trim(header);
}

static void take_parameter(struct call *c, struct str name, struct str value)
{
    const struct {
        struct str name;
        struct str *to;
    } known[] = {
        {STR("filter"), &c->filter},
        {STR("attributes"), &c->attributes},
        {STR("excludedAttributes"), &c->excluded},
        {STR("startIndex"), &c->start_index},
        {STR("count"), &c->count},
        {STR("sortBy"), &c->sort_by},
        {STR("sortOrder"), &c->sort_order},
        {STR("since"), &c->since},
        {STR("wait"), &c->wait},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq_ascii_nocase(known[i].name, name))
            *known[i].to = value;
    }
    if (str_eq_ascii_nocase(name, STR("cursor"))) {
        c->has_cursor = true;
        c->cursor = value;
    }
}

bool call_query(struct call *c, struct err *err)
{
    struct str rest = http_request_query(c->x);
    struct str part, name, value;
    bool more = rest.len > 0;

    while (more) {
        more = str_cut(&rest, '&', &part);
        value = part;
        str_cut(&value, '=', &name);
        if (!percent_decode(c->arena, name, true, &name, err) ||
            !percent_decode(c->arena, value, true, &value, err))
            return false;
        take_parameter(c, name, value);
    }
    c->has_filter = !str_empty(str_trim(c->filter));
    return true;
}

bool call_body(struct call *c, struct json **out, struct err *err)
{
    int64_t max = c->tenant->profile->settings.max_body;
    const struct json_limits limits = {.max_depth =
                                           (unsigned)c->tenant->profile->settings.json_depth,
                                       .max_bytes = PROVIDER_BODY_MAX,
                                       .names_ignore_case = true};

    if (http_request_body(c->x).len > (size_t)max) {
        return err_set(err, ERR_LIMIT, "bodyTooLarge", "a body has at most %lld bytes",
                       (long long)max);
    }
    if (!json_parse(c->arena, http_request_body(c->x), &limits, out, NULL, err))
        return false;
    return (*out)->type == JSON_OBJECT ||
           err_set(err, ERR_INVALID, "invalidSyntax", "the body must be a JSON object");
}
