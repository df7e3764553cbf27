/* `usher config try`: what a draft of the schema would mean for everybody; nothing is sent. */
#include "cli/config.h"
#include "engine/plans/whatif.h"

#include <string.h>

/* What is said of `count` people, and what of `also` of them. */
static const struct {
    const char *one;  /* "leaves scope" */
    const char *many; /* "leave scope" */
    const char *also; /* NULL: nothing */
} words[] = {
    [WHATIF_ENTERS] = {"comes into scope", "come into scope", "to be created or matched"},
    [WHATIF_LEAVES] = {"leaves scope", "leave scope", "to be disabled or deleted"},
    [WHATIF_SET] = {"gets a value", "gets a value", NULL},
    [WHATIF_CLEARED] = {"loses its value", "loses its value", NULL},
    [WHATIF_CHANGED] = {"changes", "changes", NULL},
    [WHATIF_CASE] = {"changes case", "changes case", NULL},
    [WHATIF_CASE_UNSENT] = {"changes case (not sent: not case-exact)",
                            "changes case (not sent: not case-exact)", NULL},
    [WHATIF_MATCHING] = {"is matched by other values", "are matched by other values",
                         "without an account yet"},
    [WHATIF_SKIPPED] = {"is skipped by the mapping", "are skipped by the mapping", NULL},
    [WHATIF_ERROR] = {"fails", "fail", "not today"},
    [WHATIF_FIXED] = {"fails today, but no longer", "fail today, but no longer", NULL},
};
static_assert(ARRAY_LEN(words) == WHATIF_KIND_COUNT, "every kind has its words");

/* An extension's attributes have long names; the last part is what people call it. */
static struct str short_name(struct str attribute)
{
    size_t at;

    return str_starts(attribute, STR("urn:")) && str_find_last_char(attribute, ':', &at)
               ? str_from(attribute, at + 1)
               : attribute;
}

static void print_subject(struct cli *c, const struct engine_whatif_group *g)
{
    bool people = g->object == SOURCE_USER;
    const char *one = people ? "person" : "group";
    const char *many = people ? "people" : "groups";
    char count[32];

    cli_count_text(g->count, count, sizeof(count));
    fprintf(c->out, "%s %s", count, g->count == 1 ? one : many);
    if (g->kind >= WHATIF_SET && g->kind <= WHATIF_CASE_UNSENT)
        fprintf(c->out, ": %.*s", STR_ARG(short_name(g->attribute)));
    fprintf(c->out, " %s", g->count == 1 ? words[g->kind].one : words[g->kind].many);
    if (g->kind == WHATIF_ERROR || g->kind == WHATIF_FIXED) {
        fprintf(c->out, " with %.*s%s%.*s", STR_ARG(g->code), g->attribute.len ? " at " : "",
                STR_ARG(short_name(g->attribute)));
    }
    if (words[g->kind].also && g->also > 0) {
        cli_count_text(g->also, count, sizeof(count));
        fprintf(c->out, " (%s %s)", count, words[g->kind].also);
    }
    fputc('\n', c->out);
}

static void print_group(struct cli *c, const struct engine_whatif_group *g)
{
    print_subject(c, g);
    for (size_t i = 0; i < g->example_count; i++) {
        const struct engine_whatif_example *e = &g->examples[i];

        cli_say(c, "    %.*s: %.*s%s%.*s", STR_ARG(e->name.len ? e->name : e->source_id),
                STR_ARG(e->before), e->before.len ? " -> " : "", STR_ARG(e->after));
    }
    if (g->count > (int64_t)g->example_count)
        fprintf(c->out, "    ...\n");
}

static void print_counts(struct cli *c, const struct engine_whatif *w)
{
    static const char *const actions[] = {
        [INTENT_MATCH_OR_CREATE] = "create or match",
        [INTENT_UPDATE] = "update",
        [INTENT_DISABLE] = "disable",
        [INTENT_DELETE] = "delete",
    };
    char people[32], groups[32], concerned[32];

    cli_count_text(w->read[SOURCE_USER], people, sizeof(people));
    cli_count_text(w->read[SOURCE_GROUP], groups, sizeof(groups));
    cli_count_text(w->concerned, concerned, sizeof(concerned));
    fprintf(c->out, "%s%s people and %s groups looked at, %s concerned; nothing was sent\n",
            w->count ? "\n" : "", people, groups, concerned);
    fprintf(c->out, "the next cycle would");
    for (int i = INTENT_MATCH_OR_CREATE; i < INTENT_COUNT; i++) {
        fprintf(c->out, "%s %s %lld (now %lld)", i > INTENT_MATCH_OR_CREATE ? "," : "", actions[i],
                (long long)w->draft.by_intent[i], (long long)w->stored.by_intent[i]);
    }
    fprintf(c->out, ", fail %lld (now %lld)\n", (long long)w->draft.failed,
            (long long)w->stored.failed);
}

static struct json *counts_json(struct arena *a, const struct plan_counts *n)
{
    struct json *v = json_new(a, JSON_OBJECT);

    json_add_int(a, v, "read", n->read);
    for (int i = 0; i < INTENT_COUNT; i++)
        json_add_int(a, v, plan_intent_name((enum plan_intent)i), n->by_intent[i]);
    json_add_int(a, v, "failed", n->failed);
    return v;
}

static struct json *group_json(struct arena *a, const struct engine_whatif_group *g)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *examples = json_new(a, JSON_ARRAY);

    json_add_z(a, v, "kind", engine_whatif_kind_name(g->kind));
    json_add_z(a, v, "object", g->object == SOURCE_USER ? "user" : "group");
    json_add_str(a, v, "attribute", g->attribute);
    json_add_str(a, v, "code", g->code);
    json_add_int(a, v, "count", g->count);
    json_add_int(a, v, "also", g->also);
    for (size_t i = 0; i < g->example_count; i++) {
        const struct engine_whatif_example *e = &g->examples[i];
        struct json *one = json_new(a, JSON_OBJECT);

        json_add_str(a, one, "sourceId", e->source_id);
        json_add_str(a, one, "name", e->name);
        json_add_str(a, one, "before", e->before);
        json_add_str(a, one, "after", e->after);
        json_append(examples, one);
    }
    json_add(a, v, STR("examples"), examples);
    return v;
}

static void print_json(struct cli *c, const struct engine_whatif *w,
                       const struct engine_config_check *check)
{
    struct arena *a = c->arena;
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *groups = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < w->count; i++)
        json_append(groups, group_json(a, &w->groups[i]));
    json_add_int(a, v, "people", w->read[SOURCE_USER]);
    json_add_int(a, v, "groups", w->read[SOURCE_GROUP]);
    json_add_int(a, v, "concerned", w->concerned);
    json_add(a, v, STR("differences"), groups);
    json_add(a, v, STR("stored"), counts_json(a, &w->stored));
    json_add(a, v, STR("draft"), counts_json(a, &w->draft));
    json_add(a, v, STR("golden"), cli_config_golden_json(a, check));
    cli_print_json(c, v);
}

static void on_progress(void *ctx, int64_t done, int64_t total)
{
    cli_progress_step(ctx, done, total);
}

static bool look(struct cli_config *g, struct json *draft, struct engine_whatif *out,
                 struct err *err)
{
    struct cli *c = g->wire.cli;
    struct cli_progress progress;
    struct engine_whatif_options options = {on_progress, &progress, cli_interrupted()};
    bool ok;

    if (!engine_config_check(&g->wire.engine, g->job.no, draft, GOLDEN_MAY_FAIL, c->arena,
                             &g->check, err))
        return false;
    cli_interrupt_begin();
    cli_progress_begin(&progress, c, "people");
    ok = engine_whatif(&g->wire.engine, g->job.no, g->check.program, &options, c->arena, out, err);
    cli_progress_end(&progress);
    return ok;
}

static int run_try(struct cli *c, const struct cli_args *args)
{
    CLEANUP(cli_config_end) struct cli_config g;
    struct err err = {.kind = ERR_NONE};
    struct engine_whatif w;
    struct json *draft;

    if (!cli_config_begin(&g, c, args, &err) ||
        !cli_config_read(c, cli_arg(args, 1), &draft, &err) || !look(&g, draft, &w, &err))
        return cli_config_fail(&g, &err);
    if (c->json) {
        print_json(c, &w, &g.check);
        return 0;
    }
    for (size_t i = 0; i < w.count; i++)
        print_group(c, &w.groups[i]);
    print_counts(c, &w);
    if (g.check.golden.failed > 0) {
        cli_config_print_golden(c, c->out, &g.check, true);
        cli_say(c, "%zu of %zu golden cases fail", g.check.golden.failed, g.check.golden.count);
    }
    return 0;
}

static const struct cli_command commands[] = {
    {
        .name = "config try",
        .usage = "N FILE",
        .summary = "what a draft of the schema would mean for everybody; nothing is sent",
        .help =
            "Plans everybody by the stored schema and by the draft, from what usher knows, and\n"
            "says in groups what differs, with examples. Takes as long as a plan.\n\n"
            "  usher config export demo draft.json\n"
            "  usher config try demo draft.json\n",
        .min_args = 2,
        .max_args = 2,
        .run = run_try,
    },
};

extern const struct cli_commands config_try_commands;
const struct cli_commands config_try_commands = {commands, ARRAY_LEN(commands)};
