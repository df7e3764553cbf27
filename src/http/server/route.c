#include "http/server/internal.h"

static size_t path_len(const struct http_route *r)
{
    return strlen(r->path);
}

static bool is_prefix(const struct http_route *r, size_t len)
{
    return len > 0 && r->path[len - 1] == '*';
}

/* Longest first, so that the first match is the one; the exact path before the prefix of the same
 * length; routes of one path side by side, as route_find takes them, in the table's order. */
static int compare(const void *a, const void *b)
{
    const struct http_route *x = *(const struct http_route *const *)a;
    const struct http_route *y = *(const struct http_route *const *)b;
    size_t x_len = path_len(x), y_len = path_len(y);
    int order = is_prefix(x, x_len) - is_prefix(y, y_len);

    if (x_len != y_len)
        return x_len > y_len ? -1 : 1;
    if (order == 0)
        order = strcmp(x->path, y->path);
    if (order != 0)
        return order;
    return x < y ? -1 : x > y;
}

void route_sort(struct http_server *s)
{
    size_t count = s->config.route_count;

    s->routes = mem_alloc((count + 1) * sizeof(struct http_route *));
    for (size_t i = 0; i < count; i++)
        s->routes[i] = &s->config.routes[i];
    qsort(s->routes, count, sizeof(struct http_route *), compare);
}

static bool matches(const struct http_route *r, size_t len, struct str path)
{
    if (is_prefix(r, len))
        return path.len >= len - 1 && memcmp(path.ptr, r->path, len - 1) == 0;
    return path.len == len && memcmp(path.ptr, r->path, len) == 0;
}

const struct http_route *route_find(const struct http_server *s, struct str path, unsigned method,
                                    unsigned *out_allowed, const struct http_route **out_path)
{
    const struct http_route *first = NULL;

    *out_allowed = 0;
    for (size_t i = 0; i < s->config.route_count; i++) {
        const struct http_route *r = s->routes[i];

        if (first ? strcmp(r->path, first->path) != 0 : !matches(r, path_len(r), path)) {
            if (first)
                break; /* a shorter path does not get what the longest refuses */
            continue;
        }
        if (!first)
            first = r;
        *out_allowed |= r->methods;
        if (r->methods & 1u << method) {
            *out_path = r;
            return r;
        }
    }
    *out_path = first;
    return NULL;
}
