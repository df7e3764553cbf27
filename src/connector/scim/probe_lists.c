/* Learns how an application gives its accounts in pages (scim.md 10.2, 10.6; RFC 9865). */
#include "connector/scim/probe.h"

/* The first account of a list; NULL: there is none. */
static const struct json *first_of(const struct scim_list *list)
{
    return list->resources ? list->resources->first : NULL;
}

static bool read_page(struct probe *p, struct str path, struct scim_list *out)
{
    struct http_answer answer;
    struct json *document = probe_ask(p, HTTP_GET, path, STR(""), &answer);

    *out = (struct scim_list){0};
    return document && probe_good(&answer) && scim_read_list(document, out);
}

/* Whether the page has one account, and that is another one. */
static bool is_next(const struct scim_list *page, const struct json *user)
{
    const struct json *other = first_of(page);

    return page->count == 1 && other &&
           !str_eq(json_get_text(other, "id"), json_get_text(user, "id"));
}

static bool by_index(struct probe *p, const struct json *user)
{
    struct scim_list next;

    return read_page(p, STR("/Users?startIndex=2&count=1"), &next) && is_next(&next, user);
}

/* The second page by the cursor that the first one gives. */
static bool by_cursor(struct probe *p, bool *out_unasked)
{
    CLEANUP(buf_done) struct buf path;
    struct scim_list first, next;
    const struct json *user;

    buf_init(&path, SCIM_URL_MAX);
    if (!read_page(p, STR("/Users?cursor=&count=1"), &first) || first.next.len == 0 ||
        !(user = first_of(&first)))
        return false;
    buf_add_z(&path, "/Users?cursor=");
    http_url_encode(&path, first.next);
    buf_add_z(&path, "&count=1");
    bool works = read_page(p, buf_str(&path), &next) && is_next(&next, user);
    *out_unasked =
        works && read_page(p, STR("/Users?startIndex=1&count=1"), &first) && first.next.len > 0;
    return works;
}

/* The client goes on by a cursor that a page gives, and begins with one where the service says that
 * it has them. */
static void pages(struct probe *p, const struct json *user)
{
    struct target *target = &p->target->base;
    struct target_traits traits;
    bool unasked = false;
    bool index = by_index(p, user);
    struct json *asked = p->exchanges;

    p->exchanges = json_new(p->a, JSON_ARRAY);
    bool cursor = by_cursor(p, &unasked);
    probe_conclude(p, "lists by cursor",
                   !cursor   ? "not offered"
                   : unasked ? "in pages, also when not asked for"
                             : "in pages",
                   NULL, NULL);
    p->exchanges = asked;
    target->ops->describe(target, &traits);
    bool usable = index || (cursor && (unasked || p->target->service.cursor));
    probe_conclude(p, "lists",
                   index    ? "in pages"
                   : cursor ? "in pages by cursor only"
                            : "the second page is not another",
                   "client.listing", usable ? "auto" : "never");
}

const struct json *probe_lists(struct probe *p)
{
    struct scim_list list;
    const struct json *user;

    if (!read_page(p, STR("/Users?startIndex=1&count=1"), &list)) {
        probe_conclude(p, "lists", "cannot be read", "client.listing", "never");
        return NULL;
    }
    user = first_of(&list);
    if (list.count > 1) {
        probe_conclude(p, "lists", "count is ignored", NULL, NULL);
    } else if (user && (list.total > 1 || list.next.len > 0)) {
        pages(p, user);
    } else {
        probe_conclude(p, "lists", list.total_said ? "answer" : "answer without totalResults", NULL,
                       NULL);
    }
    return user;
}
