#include "cli/cli.h"

#include <stdarg.h>
#include <string.h>

static void fail_json(struct cli *c, const struct err *err)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct json *v = json_new(a, JSON_OBJECT);
    struct buf out;

    json_add_z(a, v, "code", err->code ? err->code : err_kind_name(err->kind));
    json_add_z(a, v, "message", err->message);
    json_add_z(a, v, "place", err->place);
    buf_init(&out, 4096);
    json_write(&out, v);
    fprintf(c->err, "%s\n", buf_z(&out));
    buf_done(&out);
}

/* Lines of files come first, where editors look for them; any other place follows the message. */
static bool is_line_of_file(const char *place)
{
    const char *at = strrchr(place, ':');
    int64_t n;

    return at && at > place && str_to_int(str_from_z(at + 1), 0, INT64_MAX, &n);
}

int cli_fail(struct cli *c, const struct err *err)
{
    bool usage = err->code && strcmp(err->code, "usage") == 0;
    struct str message = cli_hinted(c, str_from_z(err->message));

    if (c->json) {
        fail_json(c, err);
    } else if (is_line_of_file(err->place)) {
        fprintf(c->err, "usher: %s: %.*s\n", err->place, STR_ARG(message));
    } else if (*err->place) {
        fprintf(c->err, "usher: %.*s (%s%s)\n", STR_ARG(message), *err->place == '/' ? "at " : "",
                err->place);
    } else {
        fprintf(c->err, "usher: %.*s\n", STR_ARG(message));
    }
    if (usage && !c->json && c->command && !*err->place) /* with a place it is in a file */
        fprintf(c->err, "'usher %s --help' explains the command\n", c->command->name);
    return usage ? 2 : 1;
}

int cli_usage(struct cli *c, const char *format, ...)
{
    struct err err = {.kind = ERR_INVALID, .code = "usage"};
    va_list args;

    va_start(args, format);
    vsnprintf(err.message, sizeof(err.message), format, args);
    va_end(args);
    return cli_fail(c, &err);
}
