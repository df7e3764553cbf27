/* `usher show FILE`: a saved plan, as somebody reads it who is to decide about it: counts, then
 * what is alike together, then each row with before and after. */
#include "base/map.h"
#include "cli/plan_file.h"

enum { GROUPS_MAX = 500, NAMES_SHOWN = 4 };

struct group {
    enum plan_intent intent;
    enum source_kind kind;
    struct str what; /* attributes that change, or the reason */
    int64_t count;
};

struct groups {
    struct arena *arena;
    struct group list[GROUPS_MAX];
    size_t count;
    struct map by_key;
    int64_t others; /* of groups beyond the last */
};

/* "department, title and 2 more change" */
static struct str attributes_text(struct arena *a, const struct plan_row *row)
{
    CLEANUP(buf_done) struct buf out;
    size_t shown = row->change_count <= NAMES_SHOWN ? row->change_count : NAMES_SHOWN - 1;

    buf_init(&out, 4096);
    for (size_t i = 0; i < shown; i++) {
        bool last = i + 1 == row->change_count;

        buf_addf(&out, "%s%.*s",
                 i == 0 ? ""
                 : last ? " and "
                        : ", ",
                 STR_ARG(row->changes[i].name));
    }
    if (shown < row->change_count)
        buf_addf(&out, " and %zu more", row->change_count - shown);
    buf_add_z(&out, row->change_count == 1 ? " changes" : " change");
    return arena_str(a, buf_str(&out));
}

static struct str what_of_update(struct arena *a, const struct plan_row *row)
{
    struct str attributes = attributes_text(a, row);

    if (row->reason.len == 0)
        return attributes;
    return arena_printf(a, "%.*s: %.*s", STR_ARG(attributes), STR_ARG(row->reason));
}

static struct str what_of_creation(struct arena *a, const struct plan_row *row)
{
    if (row->target_id.len == 0)
        return STR("create or match an account");
    if (row->change_count == 0)
        return STR("take over an account that says everything already");
    return arena_printf(a, "take over an account: %.*s", STR_ARG(attributes_text(a, row)));
}

static struct str what_of(struct arena *a, const struct plan_row *row)
{
    bool by_code = row->code.len > 0 && !str_eq(row->code, row->reason);
    struct str word = by_code ? row->code : STR("not done");

    switch (row->intent) {
    case INTENT_UPDATE:
        return what_of_update(a, row);
    case INTENT_MATCH_OR_CREATE:
        return what_of_creation(a, row);
    case INTENT_DISABLE:
        return arena_printf(a, "disable: %.*s", STR_ARG(row->reason));
    case INTENT_DELETE:
        return arena_printf(a, "delete: %.*s", STR_ARG(row->reason));
    case INTENT_NOTHING:
    case INTENT_COUNT:
        break;
    }
    return arena_printf(a, "%.*s: %.*s", STR_ARG(word), STR_ARG(row->reason));
}

static void add(struct groups *g, struct arena *tmp, const struct plan_row *row)
{
    struct str what = what_of(tmp, row);
    struct str key =
        arena_printf(tmp, "%d %d %.*s", (int)row->intent, (int)row->kind, STR_ARG(what));
    struct group *group = map_get(&g->by_key, key);

    if (!group && g->count == GROUPS_MAX) {
        g->others++;
        return;
    }
    if (!group) {
        group = &g->list[g->count++];
        *group = (struct group){row->intent, row->kind, arena_str(g->arena, what), 0};
        map_put(&g->by_key, arena_str(g->arena, key), group);
    }
    group->count++;
}

static int by_count(const void *a, const void *b)
{
    const struct group *x = a;
    const struct group *y = b;

    return x->count < y->count ? 1 : x->count > y->count ? -1 : str_cmp(x->what, y->what);
}

static bool collect(struct groups *g, struct plan_reader *r, struct err *err)
{
    CLEANUP(arena_freep) struct arena *tmp = arena_new();
    struct plan_row row;
    bool more;

    for (;;) {
        arena_reset(tmp);
        if (!plan_reader_next(r, tmp, &row, &more, err))
            return false;
        if (!more)
            break;
        add(g, tmp, &row);
    }
    qsort(g->list, g->count, sizeof(g->list[0]), by_count);
    return plan_reader_rewind(r, err);
}

static const char *people(enum source_kind kind, int64_t n)
{
    if (kind == SOURCE_USER)
        return n == 1 ? "person" : "people";
    return n == 1 ? "group" : "groups";
}

static void print_head(struct cli *c, const struct plan_head *h)
{
    char made[TIME_TEXT_MAX];

    time_write(h->made_us, made);
    if (h->purpose == PLAN_OF_UNDO) {
        fprintf(c->out, "undo of cycle %.*s of '%.*s', made %s\n", STR_ARG(h->undone_cycle),
                STR_ARG(h->job_name), made);
    } else {
        fprintf(c->out, "plan for '%.*s'%s, made %s\n", STR_ARG(h->job_name),
                h->everybody ? " (everybody)" : "", made);
    }
    fprintf(c->out, "configuration version %lld, %.*s\n%.*s\n\n", (long long)h->schema_version,
            STR_ARG(h->base_url), STR_ARG(cli_plan_counts(c->arena, h->counts.by_intent)));
}

static void print_groups(struct cli *c, const struct groups *g)
{
    char number[32];

    for (size_t i = 0; i < g->count; i++) {
        cli_count_text(g->list[i].count, number, sizeof(number));
        fprintf(c->out, "%s %s: %.*s\n", number, people(g->list[i].kind, g->list[i].count),
                STR_ARG(g->list[i].what));
    }
    if (g->others) {
        cli_count_text(g->others, number, sizeof(number));
        fprintf(c->out, "%s others\n", number);
    }
}

static bool print_rows(struct cli *c, struct plan_reader *r, struct err *err)
{
    struct plan_row row;
    int64_t n = 0;
    bool more;

    for (;;) {
        CLEANUP(arena_freep) struct arena *tmp = arena_new();
        struct arena *kept = c->arena;

        if (!plan_reader_next(r, tmp, &row, &more, err))
            return false;
        if (!more)
            return true;
        n++;
        c->arena = tmp; /* what a row prints is forgotten with it */
        if (c->json) {
            fprintf(c->out, "%s    %.*s", n == 1 ? "\n" : ",\n",
                    STR_ARG(json_text(tmp, plan_row_json(tmp, &row))));
        } else {
            cli_plan_row_print(c, &row, true);
        }
        c->arena = kept;
    }
}

static struct json *groups_json(struct arena *a, const struct groups *g)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < g->count; i++) {
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_z(a, v, "action", plan_intent_name(g->list[i].intent));
        json_add_z(a, v, "kind", g->list[i].kind == SOURCE_USER ? "user" : "group");
        json_add_str(a, v, "what", g->list[i].what);
        json_add_int(a, v, "count", g->list[i].count);
        json_append(list, v);
    }
    return list;
}

static bool show_json(struct cli *c, struct plan_reader *r, const struct groups *g, bool rows,
                      struct err *err)
{
    struct arena *a = c->arena;

    fprintf(c->out, "{\n  \"head\": %.*s,\n  \"groups\": %.*s",
            STR_ARG(json_text(a, plan_head_json(a, &r->head))),
            STR_ARG(json_text(a, groups_json(a, g))));
    if (rows) {
        fputs(",\n  \"rows\": [", c->out);
        if (!print_rows(c, r, err))
            return false;
        fprintf(c->out, "%s]", r->head.rows ? "\n  " : "");
    }
    fputs("\n}\n", c->out);
    return true;
}

static bool show(struct cli *c, struct plan_reader *r, struct groups *g, bool rows, struct err *err)
{
    if (!collect(g, r, err))
        return false;
    if (c->json)
        return show_json(c, r, g, rows, err);
    print_head(c, &r->head);
    print_groups(c, g);
    if (!rows || r->head.rows == 0)
        return true;
    fputc('\n', c->out);
    return print_rows(c, r, err);
}

static int run_show(struct cli *c, const struct cli_args *args)
{
    CLEANUP(plan_reader_close) struct plan_reader r = {0};
    struct groups *g = ARENA_NEW(c->arena, struct groups);
    struct err err = {.kind = ERR_NONE};
    bool ok;

    g->arena = c->arena;
    map_init(&g->by_key);
    ok = plan_reader_open(&r, cli_arg(args, 0), &err) &&
         show(c, &r, g, !cli_flag(args, "--summary"), &err);
    map_done(&g->by_key);
    return ok ? 0 : cli_fail(c, &err);
}

static const struct cli_option show_options[] = {
    {"--summary", NULL, "counts and groups only, not each row"},
};

static const struct cli_command commands[] = {
    {
        .name = "show",
        .usage = "FILE [--summary]",
        .summary = "a saved plan: counts, what is alike, each row with before and after",
        .help = "FILE comes from 'usher plan --save' or 'usher undo'. A file that was edited is\n"
                "refused.\n\n"
                "  usher plan demo --all --save demo.plan\n"
                "  usher show demo.plan --summary\n",
        .options = show_options,
        .option_count = ARRAY_LEN(show_options),
        .min_args = 1,
        .max_args = 1,
        .run = run_show,
    },
};

const struct cli_commands show_commands = {commands, ARRAY_LEN(commands)};
