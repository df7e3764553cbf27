/* What must hold for any bytes that json_parse is given. */
#include "base/json.h"
#include "base/unicode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_failure(struct str text, size_t offset, const struct err *err)
{
    char place[32];

    assert(offset <= text.len);
    assert(err->kind == ERR_INVALID || err->kind == ERR_LIMIT);
    assert(err->code && err->message[0]);
    assert(utf8_valid(str_from_z(err->message), NULL));
    snprintf(place, sizeof(place), "byte %zu", offset);
    assert(strcmp(err->place, place) == 0);
}

/* Links, counts and texts are what json.h says. */
static void check_tree(const struct json *v)
{
    const struct json *last = NULL;
    size_t count = 0;
    int64_t n;
    double d;

    JSON_EACH(child, v)
    {
        count++;
        last = child;
        if (v->type == JSON_OBJECT) {
            assert(child->name.ptr[child->name.len] == '\0');
            assert(json_get(v, child->name) == child);
        }
        check_tree(child);
    }
    assert(v->count == count && v->last == last);
    if (v->type == JSON_STRING)
        assert(v->text.ptr[v->text.len] == '\0' && utf8_valid(v->text, NULL));
    if (v->type == JSON_NUMBER && json_to_int(v, &n))
        assert(json_to_double(v, &d) && (n >= 0) == (d >= 0));
}

static struct json *must_parse(struct arena *a, struct str text)
{
    struct json_limits wide = {.max_depth = 100};
    struct json *v;
    struct err err;
    bool parsed = json_parse(a, text, &wide, &v, NULL, &err);

    assert(parsed);
    return v;
}

/* parse(write(x)) = x, compactly and prettily, and writing is stable. */
static void check_round_trip(struct arena *a, const struct json *v)
{
    struct str compact = json_text(a, v);
    struct json *again = must_parse(a, compact);
    struct buf pretty;

    assert(json_equal(v, again) && json_equal(again, v));
    assert(str_eq(compact, json_text(a, again)));
    assert(json_equal(v, json_clone(a, v)));
    buf_init(&pretty, SIZE_MAX - 1);
    json_write_pretty(&pretty, v);
    again = must_parse(a, buf_str(&pretty));
    assert(str_eq(compact, json_text(a, again)));
    buf_done(&pretty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct json_limits nocase = {.names_ignore_case = true};
    struct arena *a = arena_new();
    size_t offset = SIZE_MAX;
    struct err err = {0};
    struct json *v = NULL;
    struct json *w = NULL;
    bool accepted = json_parse(a, text, NULL, &v, &offset, &err);

    if (accepted) {
        assert(utf8_valid(text, NULL));
        check_tree(v);
        check_round_trip(a, v);
    } else {
        check_failure(text, offset, &err);
    }
    if (json_parse(a, text, &nocase, &w, NULL, NULL))
        assert(accepted && json_equal(v, w)); /* the stricter reading accepts nothing more */
    arena_free(a);
    return 0;
}
