#include "cli/record.h"

static const char *const marks[] = {
    [STATUS_SUCCESS] = "ok",
    [STATUS_FAILURE] = "FAILED",
    [STATUS_SKIPPED] = "skipped",
    [STATUS_WARNING] = "warning",
};
static_assert(ARRAY_LEN(marks) == STATUS_COUNT, "every journal_status has a mark");

struct str cli_value_text(struct arena *a, const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return STR("-");
    if (v->type == JSON_STRING)
        return arena_printf(a, "\"%.*s\"", STR_ARG(v->text));
    return json_text(a, v);
}

void cli_properties_print(struct cli *c, const struct journal_property *p, size_t count,
                          const char *indent)
{
    for (size_t i = 0; i < count; i++) {
        struct str before = cli_one_line(c->arena, cli_value_text(c->arena, p[i].before));
        struct str after = cli_one_line(c->arena, cli_value_text(c->arena, p[i].after));

        if (p[i].before) {
            fprintf(c->out, "%s%.*s: %.*s -> %.*s\n", indent, STR_ARG(p[i].name), STR_ARG(before),
                    STR_ARG(after));
        } else {
            fprintf(c->out, "%s%.*s: %.*s\n", indent, STR_ARG(p[i].name), STR_ARG(after));
        }
    }
}

static void print_step(struct cli *c, size_t number, const struct journal_step *step)
{
    fprintf(c->out, "%zu. %-20s %-8s %.*s\n", number, step_type_name(step->type),
            marks[step->status], STR_ARG(cli_one_line(c->arena, step->description)));
    JSON_EACH(detail, step->details)
    {
        struct str value = cli_one_line(
            c->arena, detail->type == JSON_STRING ? detail->text : json_text(c->arena, detail));

        fprintf(c->out, "     %.*s: %.*s\n", STR_ARG(detail->name), STR_ARG(value));
    }
}

void cli_record_print(struct cli *c, const struct journal_record *r)
{
    for (size_t i = 0; i < r->step_count; i++)
        print_step(c, i + 1, &r->steps[i]);
    if (r->property_count) {
        fprintf(c->out, "   %s\n", r->status == STATUS_FAILURE ? "attempted:" : "changed:");
        cli_properties_print(c, r->properties, r->property_count, "     ");
    }
}
