/* Reads all accounts of a SCIM application in pages (scim.md 10.2). */
#include "base/map.h"
#include "connector/scim/call.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void send_list(struct scim_call *c)
{
    buf_reset(&c->url);
    (void)scim_body(c->target);
    scim_write_list_url(&c->url, &c->target->url, c->object, &c->page, &c->asked.shown);
    scim_call_send(c, STR(""));
}

void scim_list(struct target *target, const struct mapping_object *m,
               const struct target_page *page, target_done *done, void *ctx)
{
    struct scim_target *t = scim_of(target);
    struct scim_call *c = scim_call_new(t, SCIM_LIST, HTTP_GET, m, done, ctx);

    c->page = *page;
    c->page.cursor = arena_str(c->arena, page->cursor);
    if (t->list_at_once)
        c->page.count = smaller(c->page.count, t->list_at_once);
    /* "c" alone: cursor paging from the start (RFC 9865). */
    if (c->page.cursor.len == 0 && t->service.cursor)
        c->page.cursor = STR("c");
    send_list(c);
}

bool scim_call_list_smaller(struct scim_call *c)
{
    if (c->page.count < 2)
        return false;
    c->page.count /= 2;
    c->target->list_at_once = c->page.count;
    send_list(c);
    return true;
}

enum { FOUND_MAX = 10, SCAN_PAGE = 200 };
struct scim_found {
    struct target_record records[FOUND_MAX];
    size_t count;
    struct map seen; /* the ids of all accounts that were read */
};

void scim_found_free(struct scim_call *c)
{
    if (c->found)
        map_done(&c->found->seen);
    c->found = NULL;
}

/* Whether it is on the page for the first time: a server may give the same page for ever. */
static bool is_fresh(struct scim_call *c, struct str id)
{
    struct scim_found *f = c->found;

    if (map_get(&f->seen, id))
        return false;
    (void)map_put(&f->seen, arena_str(c->arena, id), f);
    return true;
}

/* What of the page was asked for, which outlives the page; how many accounts were new on it. */
static size_t keep_found(struct scim_call *c, const struct scim_list *list)
{
    struct scim_found *f = c->found;
    size_t fresh = 0;

    JSON_EACH(resource, list->resources)
    {
        struct target_record record;

        scim_read_record(c->target->answer, c->object, resource, &record);
        if (record.id.len == 0 || !is_fresh(c, record.id))
            continue;
        fresh++;
        if (f->count == FOUND_MAX || !scim_matches(&record, &c->by))
            continue;
        f->records[f->count++] = (struct target_record){
            .id = arena_str(c->arena, record.id),
            .version = arena_str(c->arena, record.version),
            .values = json_clone(c->arena, record.values),
        };
    }
    return fresh;
}

bool scim_call_scan(struct scim_call *c, const struct http_answer *answer,
                    struct target_result *out_end, bool *out_ended)
{
    struct scim_target *t = c->target;
    bool first = !c->found;
    size_t fresh;
    struct scim_list list;
    struct json *document;
    struct err ignored;

    *out_ended = false;
    if (!json_parse(t->answer, answer->body, NULL, &document, NULL, &ignored) ||
        !scim_read_list(document, &list))
        return false; /* judged like any answer */
    if (first) {
        c->found = ARENA_NEW(c->arena, struct scim_found);
        map_init(&c->found->seen);
        c->page = (struct target_page){.count = list.count ? list.count : SCAN_PAGE};
    }
    fresh = keep_found(c, &list);
    /* All that came was asked for: the filter works. */
    if (first && c->found->count == list.count && list.total <= (int64_t)list.count)
        return false;
    c->page.cursor = arena_str(c->arena, scim_next_page(c, &list));
    if (first)
        c->page.count = SCAN_PAGE;
    if (c->page.cursor.len && fresh > 0) {
        send_list(c);
        return true;
    }
    scim_ok(answer, out_end);
    out_end->records = c->found->records;
    out_end->record_count = c->found->count;
    *out_ended = true;
    return false;
}
