#include "journal/detail.h"

static void write_value(struct buf *out, const struct json *v)
{
    if (v) {
        json_write(out, v);
    } else {
        buf_add_z(out, "null");
    }
}

static void write_step(struct buf *out, const struct journal_step *s)
{
    buf_add_char(out, '[');
    buf_add_int(out, s->type);
    buf_add_char(out, ',');
    json_write_text(out, str_from_z(s->name));
    buf_add_char(out, ',');
    buf_add_int(out, s->status);
    buf_add_char(out, ',');
    json_write_text(out, s->description);
    buf_add_char(out, ',');
    write_value(out, s->details);
    buf_add_char(out, ']');
}

static void write_property(struct buf *out, const struct journal_property *p)
{
    buf_add_char(out, '[');
    json_write_text(out, p->name);
    buf_add_char(out, ',');
    write_value(out, p->before);
    buf_add_char(out, ',');
    write_value(out, p->after);
    buf_add_char(out, ']');
}

/* The n-th element of an array, NULL if it is null or not there. */
static const struct json *part(const struct json *array, size_t n)
{
    const struct json *v = array->first;

    while (v && n--)
        v = v->next;
    return json_is(v, JSON_NULL) ? NULL : v;
}

static struct str part_text(const struct json *array, size_t n)
{
    const struct json *v = part(array, n);

    return json_is(v, JSON_STRING) ? v->text : STR("");
}

static int64_t part_int(const struct json *array, size_t n, int64_t count)
{
    int64_t number = 0;

    return json_to_int(part(array, n), &number) && number >= 0 && number < count ? number
                                                                                 : count - 1;
}

static void read_step(struct arena *a, const struct json *v, struct journal_step *out)
{
    *out = (struct journal_step){
        .type = (enum step_type)part_int(v, 0, STEP_TYPE_COUNT),
        .name = arena_z(a, part_text(v, 1)),
        .status = (enum journal_status)part_int(v, 2, STATUS_COUNT),
        .description = part_text(v, 3),
        .details = part(v, 4),
    };
}

static void write_head(struct buf *out, const struct journal_record *r)
{
    const struct str texts[] = {r->code,         r->message,   r->source_id,   r->source_name,
                                r->source_login, r->target_id, r->target_name, r->initiated_by};

    buf_add_z(out, "{\"h\":[");
    buf_add_int(out, r->duration_us);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        buf_add_char(out, ',');
        json_write_text(out, texts[i]);
    }
    buf_add_char(out, ']');
}

static void read_head(const struct json *v, struct journal_record *out)
{
    struct str *const texts[] = {&out->code,        &out->message,      &out->source_id,
                                 &out->source_name, &out->source_login, &out->target_id,
                                 &out->target_name, &out->initiated_by};

    if (!json_to_int(part(v, 0), &out->duration_us))
        out->duration_us = 0;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = part_text(v, i + 1);
}

void journal_detail_write(struct buf *out, const struct journal_record *r,
                          enum journal_detail_size size)
{
    bool brief = size == DETAIL_BRIEF;

    write_head(out, r);
    buf_add_z(out, ",\"s\":[");
    for (size_t i = 0; !brief && i < r->step_count; i++) {
        if (i)
            buf_add_char(out, ',');
        write_step(out, &r->steps[i]);
    }
    buf_add_z(out, "],\"p\":[");
    for (size_t i = 0; !brief && i < r->property_count; i++) {
        if (i)
            buf_add_char(out, ',');
        write_property(out, &r->properties[i]);
    }
    buf_add_z(out, "]}");
}

bool journal_detail_parse(struct arena *a, struct str text, struct journal_record *out,
                          struct err *err)
{
    struct json *doc;

    if (!json_parse(a, text, NULL, &doc, NULL, err))
        return err_wrap(err, "detail of a record of the provisioning log");

    if (!json_is(json_get(doc, STR("h")), JSON_ARRAY)) {
        return err_set(err, ERR_INTERNAL, "journalUnreadable",
                       "a record of the provisioning log has no head");
    }
    read_head(json_get(doc, STR("h")), out);

    const struct json *steps = json_get(doc, STR("s"));
    const struct json *properties = json_get(doc, STR("p"));
    struct journal_step *s = ARENA_ARRAY(a, struct journal_step, steps ? steps->count + 1 : 1);
    struct journal_property *p =
        ARENA_ARRAY(a, struct journal_property, properties ? properties->count + 1 : 1);

    out->step_count = out->property_count = 0;
    JSON_EACH(v, steps)
    read_step(a, v, &s[out->step_count++]);
    JSON_EACH(v, properties)
    p[out->property_count++] = (struct journal_property){
        .name = part_text(v, 0), .before = part(v, 1), .after = part(v, 2)};
    out->steps = s;
    out->properties = p;
    return true;
}
