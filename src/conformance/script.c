#include "conformance/script.h"

#include "base/buf.h"

#define TEXT_MAX (1 << 20) /* bytes of one expanded line */

void check_value_set(struct check_values *v, struct str name, struct str text)
{
    struct check_value *value = ARENA_NEW(v->arena, struct check_value);

    *value = (struct check_value){
        .name = arena_str(v->arena, name), .text = arena_str(v->arena, text), .next = v->first};
    v->first = value; /* the newest of a name is found first */
}

static const struct check_value *find(const struct check_values *v, struct str name)
{
    for (const struct check_value *value = v->first; value; value = value->next) {
        if (str_eq(value->name, name))
            return value;
    }
    return NULL;
}

static void add_value(struct buf *out, struct str text, enum check_quoting quoting)
{
    if (quoting == CHECK_IN_URL && !str_starts(text, STR("/"))) {
        http_url_encode(out, text);
    } else if (quoting == CHECK_IN_JSON && !str_starts(text, STR(","))) {
        CLEANUP(buf_done) struct buf quoted;

        buf_init(&quoted, TEXT_MAX);
        json_write_text(&quoted, text);
        buf_add(out, str_sub(buf_str(&quoted), 1, quoted.len - 2));
    } else {
        buf_add(out, text);
    }
}

struct str check_expand(const struct check_values *v, struct arena *a, struct str text,
                        enum check_quoting quoting)
{
    CLEANUP(buf_done) struct buf out;
    struct str rest = text, head, name;

    buf_init(&out, TEXT_MAX);
    for (;;) {
        const struct check_value *value = NULL;
        struct str after;
        bool more = str_cut(&rest, '<', &head);

        buf_add(&out, head);
        if (!more)
            return arena_str(a, buf_str(&out));
        after = rest;
        if (str_cut(&after, '>', &name))
            value = find(v, name);
        if (!value) {
            buf_add_char(&out, '<');
            continue;
        }
        add_value(&out, value->text, quoting);
        rest = after;
    }
}

struct str check_encode_target(struct arena *a, struct str text)
{
    CLEANUP(buf_done) struct buf out;

    buf_init(&out, TEXT_MAX);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        size_t at;

        if ((unsigned char)c <= ' ' || (unsigned char)c >= 0x7f ||
            str_find_char(STR("\"<>[]{}|\\^`"), c, &at)) {
            buf_addf(&out, "%%%02X", (unsigned)(unsigned char)c);
        } else {
            buf_add_char(&out, c);
        }
    }
    return arena_str(a, buf_str(&out));
}
