#include "cli/plan_file.h"

#include "cli/record.h"

static const struct {
    enum plan_intent intent;
    const char *words;
} parts[] = {
    {INTENT_MATCH_OR_CREATE, "to create or match"},
    {INTENT_UPDATE, "to update"},
    {INTENT_DISABLE, "to disable"},
    {INTENT_DELETE, "to delete"},
};

struct str cli_plan_counts(struct arena *a, const int64_t by_intent[INTENT_COUNT])
{
    CLEANUP(buf_done) struct buf out;
    char number[32];

    buf_init(&out, 512);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (by_intent[parts[i].intent] == 0)
            continue;
        cli_count_text(by_intent[parts[i].intent], number, sizeof(number));
        buf_addf(&out, "%s%s %s", out.len ? ", " : "", number, parts[i].words);
    }
    return out.len ? arena_str(a, buf_str(&out)) : STR("nothing to do");
}

void cli_plan_saved(struct cli *c, const char *path, const struct plan_head *head)
{
    if (c->json) {
        struct json *v = plan_head_json(c->arena, head);

        json_add_z(c->arena, v, "file", path);
        cli_print_json(c, v);
        return;
    }
    cli_say(c, "%.*s", STR_ARG(cli_plan_counts(c->arena, head->counts.by_intent)));
    if (head->counts.failed)
        cli_say(c, "%lld would fail", (long long)head->counts.failed);
    if (head->purpose == PLAN_OF_UNDO && head->counts.by_intent[INTENT_NOTHING]) {
        cli_say(c, "%lld cannot be undone: the plan says which and why",
                (long long)head->counts.by_intent[INTENT_NOTHING]);
    }
    cli_say(c, "saved in %s; nothing was sent\nlook at it: %s show %s\ndo it:      %s apply %s",
            path, c->program, path, c->program, path);
}

void cli_plan_row_print(struct cli *c, const struct plan_row *row, bool details)
{
    fprintf(c->out, "%-15s %-5s  %.*s", plan_intent_name(row->intent),
            row->kind == SOURCE_USER ? "user" : "group", STR_ARG(row->source_name));
    if (row->reason.len)
        fprintf(c->out, "  (%.*s)", STR_ARG(row->reason));
    if (row->change_count && row->intent != INTENT_DELETE)
        fprintf(c->out, "  %zu attribute%s", row->change_count, row->change_count == 1 ? "" : "s");
    fputc('\n', c->out);
    if (details)
        cli_properties_print(c, row->changes, row->change_count, "    ");
}
