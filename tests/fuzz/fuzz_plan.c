/* Saved plans: what is no plan has a reason and a place; what is one comes back the same when it is
 * written again. The input is a file; its lines are tried one by one, too, since no file made by
 * chance has the right digest. */
#include "engine/plans/plan_file.h"

#include <assert.h>

static void row(struct arena *a, struct str line)
{
    struct plan_row first;
    struct plan_row again;
    struct err err = {0};
    struct str text;

    if (!plan_row_parse(a, line, &first, &err)) {
        assert(err.code && err.message[0]);
        return;
    }
    text = json_text(a, plan_row_json(a, &first));
    assert(plan_row_parse(a, text, &again, &err));
    assert(str_eq(json_text(a, plan_row_json(a, &again)), text));
    assert(again.intent == first.intent && again.change_count == first.change_count);
}

static void head(struct arena *a, struct str line)
{
    struct plan_head first;
    struct plan_head again;
    struct err err = {0};
    struct str text;

    if (!plan_head_parse(a, line, &first, &err)) {
        assert(err.code && err.message[0]);
        return;
    }
    text = json_text(a, plan_head_json(a, &first));
    assert(plan_head_parse(a, text, &again, &err));
    assert(str_eq(json_text(a, plan_head_json(a, &again)), text));
}

static void file(struct arena *a, const uint8_t *data, size_t size)
{
    CLEANUP(plan_reader_close) struct plan_reader r = {0};
    struct plan_row each;
    struct err err = {0};
    bool more = true;
    FILE *stream = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

    if (!stream)
        return;
    if (!plan_reader_open_stream(&r, stream, "input", &err)) {
        assert(err.code && err.message[0]);
        return;
    }
    for (int64_t n = 0; more; n++) {
        if (!plan_reader_next(&r, a, &each, &more, &err))
            return;
        assert(more || n == r.head.rows);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str rest = {(const char *)data, size};
    bool more = true;

    file(a, data, size);
    while (more) {
        struct str line;

        more = str_cut(&rest, '\n', &line);
        row(a, line);
        head(a, line);
    }
    return 0;
}
