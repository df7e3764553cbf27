#include "story.h"

/* $1 in a text by the id of the first thing that was made. */
static const char *with_ids(struct arena *a, const char *text, const struct str *ids, size_t count)
{
    CLEANUP(buf_done) struct buf out = {0};

    buf_init(&out, 100000);
    if (!text)
        return NULL;
    for (; *text; text++) {
        size_t n = *text == '$' && ascii_is_digit(text[1]) ? (size_t)(text[1] - '1') : SIZE_MAX;

        if (n < count) {
            buf_add(&out, ids[n]);
            text++;
        } else {
            buf_add_char(&out, *text);
        }
    }
    return arena_z(a, buf_str(&out));
}

bool story_has(const struct answer *answer, const char *text)
{
    size_t at;

    return str_find(answer->head, str_from_z(text), &at) ||
           str_find(answer->body, str_from_z(text), &at);
}

void story_run(struct fixture *f, struct client *client, const struct story *s, const char *tenant)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str ids[ARRAY_LEN(s->steps)];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(s->steps) && s->steps[i].status; i++) {
        const struct step *step = &s->steps[i];
        const char *has = with_ids(a, step->has, ids, count);
        const char *lacks = with_ids(a, step->lacks, ids, count);
        const char *body = with_ids(a, step->body, ids, count);
        struct answer answer;

        client_ask(
            client, f, a, step->method,
            arena_printf(a, "/scim/%s/v2%s", tenant, with_ids(a, step->path, ids, count)).ptr, body,
            &answer);
        CHECK(answer.status == step->status, "%s, step %zu: %d %.*s", s->label, i + 1,
              answer.status, STR_ARG(answer.body));
        CHECK(!has || story_has(&answer, has), "%s, step %zu: no '%s': %.*s", s->label, i + 1, has,
              STR_ARG(answer.body));
        CHECK(!lacks || !story_has(&answer, lacks), "%s, step %zu: '%s': %.*s", s->label, i + 1,
              lacks, STR_ARG(answer.body));
        if (answer.status == 201)
            ids[count++] = json_get_text(answer.json, "id");
    }
}
