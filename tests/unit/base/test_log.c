#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "frame/frame.h"

#include <fcntl.h>
#include <unistd.h>

/* Standard error goes to a file between the two; what was written is the result. */
struct capture {
    const char *path;
    int kept;
};

static struct capture capture_start(struct arena *a)
{
    struct capture c = {arena_printf(a, "%s/stderr", test_temp_dir()).ptr, dup(STDERR_FILENO)};
    int fd = open(c.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    dup2(fd, STDERR_FILENO);
    close(fd);
    return c;
}

static struct str capture_end(struct capture c, struct arena *a)
{
    struct str text;
    struct err err;

    dup2(c.kept, STDERR_FILENO);
    close(c.kept);
    CHECK(file_read(a, c.path, 1 << 20, &text, &err), "%s", err.message);
    return text;
}

static struct json *line_of(struct arena *a, struct str *text)
{
    struct json *v;
    struct str line;
    struct err err;

    CHECK(str_cut(text, '\n', &line), "a line ends");
    CHECK(json_parse(a, line, NULL, &v, NULL, &err), "%.*s: %s", STR_ARG(line), err.message);
    return v;
}

static void writes_one_object_a_line(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct capture c = capture_start(a);
    struct json *v;
    struct str text;
    int64_t us;

    (void)state;
    log_event(LOG_INFO, "server_started", LOG_NUM("port", 8080),
              LOG_TEXT("host", STR("a\"b\n\xFF")));
    log_event(LOG_WARNING, "nothing_to_say");
    text = capture_end(c, a);
    v = line_of(a, &text);
    CHECK(time_parse(json_get_text(v, "time"), &us), "time");
    CHECK_STR(json_get_text(v, "level"), "info", "level");
    CHECK_STR(json_get_text(v, "event"), "server_started", "event");
    CHECK(json_get_int(v, "port", 0) == 8080, "a number");
    CHECK_STR(json_get_text(v, "host"), "a\"b\n\xEF\xBF\xBD", "a text, made JSON whatever it is");
    v = line_of(a, &text);
    CHECK_STR(json_get_text(v, "level"), "warning", "level");
    CHECK(v->count == 3 && text.len == 0, "no fields, no more lines");
}

static void keeps_quiet_below_its_level(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct capture c = capture_start(a);
    struct str text;

    (void)state;
    log_event(LOG_DEBUG, "unseen");
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "seen");
    log_set_level(LOG_ERROR);
    log_event(LOG_WARNING, "unseen");
    log_event(LOG_ERROR, "seen_too");
    log_set_level(LOG_INFO);
    text = capture_end(c, a);
    CHECK_STR(json_get_text(line_of(a, &text), "event"), "seen", "debug");
    CHECK_STR(json_get_text(line_of(a, &text), "event"), "seen_too", "error");
    CHECK(text.len == 0, "no more");
}

static void cuts_what_is_too_long(void **state)
{
    static char long_text[100000];
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct log_field fields[40];
    struct capture c = capture_start(a);
    struct json *v;
    struct str text;

    (void)state;
    memset(long_text, 1, sizeof(long_text));
    memcpy(long_text + 2047, "\xE2\x82\xAC", 3);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i] =
            LOG_TEXT(arena_printf(a, "f%zu", i).ptr, ((struct str){long_text, sizeof(long_text)}));
    log_write(LOG_ERROR, "long", fields, ARRAY_LEN(fields));
    text = capture_end(c, a);
    v = line_of(a, &text);
    CHECK(json_get_text(v, "f0").len == 2047, "cut between characters: %zu",
          json_get_text(v, "f0").len);
    CHECK(v->count == 3 + 24, "%zu fields", v->count);
}

static void logs_errors(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct capture c = capture_start(a);
    struct err err;
    struct json *v;
    struct str text;

    (void)state;
    err_fill(&err, ERR_UNAVAILABLE, "targetDown", "no answer");
    log_error("export_failed", &err);
    err_place(&err, "row 3");
    log_error("export_failed", &err);
    text = capture_end(c, a);
    v = line_of(a, &text);
    CHECK_STR(json_get_text(v, "kind"), "unavailable", "kind");
    CHECK_STR(json_get_text(v, "code"), "targetDown", "code");
    CHECK_STR(json_get_text(v, "message"), "no answer", "message");
    CHECK(!json_get(v, STR("place")), "no place");
    CHECK_STR(json_get_text(line_of(a, &text), "place"), "row 3", "place");
}

TEST_GROUP(log, cmocka_unit_test(writes_one_object_a_line),
           cmocka_unit_test(keeps_quiet_below_its_level), cmocka_unit_test(cuts_what_is_too_long),
           cmocka_unit_test(logs_errors))
