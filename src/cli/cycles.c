/* `usher cycles N`: the cycles of a job, newest first, so that one of them can be named. */
#include "cli/status.h"
#include "cli/wire.h"

enum { LIMIT_DEFAULT = 20, LIMIT_MAX = 10000, ID_SHOWN = 8 };

static struct str took(struct arena *a, const struct cycle *cycle)
{
    char text[32];

    if (cycle->ended_us <= cycle->began_us)
        return STR("-");
    cli_duration_text(cycle->ended_us - cycle->began_us, text, sizeof(text));
    return arena_str(a, str_from_z(text));
}

static void print_table(struct cli *c, const struct cycle *list, size_t count)
{
    static const char *const headers[] = {"CYCLE", "BEGAN", "TOOK", "KIND", "STATE", "WHAT"};
    struct cli_table *table = cli_table_new(c, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < count; i++) {
        const struct cycle *cycle = &list[i];
        char time[TIME_TEXT_MAX];
        struct str counts = cli_cycle_counts(c->arena, &cycle->counters);

        time_write(cycle->began_us, time);
        cli_table_row(table, (struct str[]){
                                 str_sub(cycle->id, 0, ID_SHOWN),
                                 arena_printf(c->arena, "%.19s", time),
                                 took(c->arena, cycle),
                                 str_from_z(cycle_kind_name(cycle->kind)),
                                 str_from_z(cycle_state_name(cycle->state)),
                                 cycle->error_code.len
                                     ? arena_printf(c->arena, "%.*s: %.*s",
                                                    STR_ARG(cycle->error_code), STR_ARG(counts))
                                     : counts,
                             });
    }
    cli_table_print(table);
}

static int run_cycles(struct cli *c, const struct cli_args *args)
{
    struct err err = {.kind = ERR_NONE};
    int64_t limit = LIMIT_DEFAULT;
    struct cycle *list;
    struct job job;
    size_t count;

    if (!cli_value_int(args, "--limit", 1, LIMIT_MAX, &limit, &err) ||
        !cli_job(c, cli_arg(args, 0), &job, &err) ||
        !cycle_list(c->db_handle, c->arena, job.no, (size_t)limit, &list, &count, &err))
        return cli_fail(c, &err);
    if (c->json) {
        struct json *array = json_new(c->arena, JSON_ARRAY);

        for (size_t i = 0; i < count; i++)
            json_append(array, cli_cycle_json(c->arena, &list[i]));
        cli_print_json(c, array);
    } else if (count) {
        print_table(c, list, count);
    } else {
        cli_say(c, "no cycle yet: 'usher start %.*s' begins the first one", STR_ARG(job.name));
    }
    return 0;
}

static const struct cli_option options[] = {
    {"--limit", "N", "how many, newest first (default 20)"},
};

static const struct cli_command commands[] = {
    {
        .name = "cycles",
        .usage = "N [--limit N]",
        .summary = "the past cycles of an application, with what they did",
        .help =
            "The first letters of a cycle name it for 'usher undo' and 'usher logs --cycle'; 'last' is\n"
            "the newest one. --json has the whole ids.\n\n"
            "  usher cycles demo\n"
            "  usher logs demo --cycle last\n",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .min_args = 1,
        .max_args = 1,
        .run = run_cycles,
    },
};

const struct cli_commands cycles_commands = {commands, ARRAY_LEN(commands)};
