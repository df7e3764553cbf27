#include "engine/walk/protect.h"

#include <stdarg.h>

static const char *const intent_names[] = {
    [INTENT_NOTHING] = "nothing", [INTENT_MATCH_OR_CREATE] = "createOrMatch",
    [INTENT_UPDATE] = "update",   [INTENT_DISABLE] = "disable",
    [INTENT_DELETE] = "delete",
};
static_assert(ARRAY_LEN(intent_names) == INTENT_COUNT, "every intent has a name");

const char *plan_intent_name(enum plan_intent i)
{
    return intent_names[i];
}

PRINTF_LIKE(2, 0)
static struct str formatted(struct arena *a, const char *format, va_list args)
{
    char text[2048];

    if (!strchr(format, '%'))
        return str_from_z(format);
    int n = vsnprintf(text, sizeof(text), format, args);
    size_t len = n < 0 ? 0 : (size_t)n;

    if (len >= sizeof(text)) { /* cut at the start of a character */
        len = sizeof(text) - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    return arena_str(a, (struct str){text, len});
}

void walk_step(struct walk *w, enum step_type type, const char *name, enum journal_status status,
               const char *format, ...)
{
    va_list args;

    if (w->step_count == WALK_STEPS_MAX) /* the last one stays: it says how it ended */
        w->step_count--;
    va_start(args, format);
    w->steps[w->step_count++] = (struct journal_step){
        .type = type,
        .name = name,
        .status = status,
        .description = formatted(w->arena, format, args),
    };
    va_end(args);
}

struct json *walk_details(struct walk *w)
{
    struct json *details = json_new(w->arena, JSON_OBJECT);

    assert(w->step_count > 0);
    w->steps[w->step_count - 1].details = details;
    return details;
}

void walk_skip(struct walk *w, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    w->message = formatted(w->arena, format, args);
    va_end(args);
    w->intent = INTENT_NOTHING;
    w->action = ACTION_OTHER;
    w->status = STATUS_SKIPPED;
    w->code = str_from_z(code);
}

void walk_fail(struct walk *w, enum target_class failure, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    w->message = formatted(w->arena, format, args);
    va_end(args);
    w->intent = INTENT_NOTHING;
    w->status = STATUS_FAILURE;
    w->failure = failure;
    w->code = str_from_z(code);
}

void walk_succeed(struct walk *w, enum journal_action action)
{
    w->action = action;
    w->status = STATUS_SUCCESS;
    w->code = (struct str){0};
    w->message = (struct str){0};
}

void walk_properties(struct walk *w, const struct mapping_changes *changes)
{
    w->properties = ARENA_ARRAY(w->arena, struct journal_property, changes->count);
    w->property_count = changes->count;
    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *c = &changes->items[i];
        const struct json *masked =
            c->attribute->secret ? json_string(w->arena, STR("*****")) : NULL;

        w->properties[i] = (struct journal_property){
            .name = c->attribute->target,
            .before = masked && c->before ? masked : c->before,
            .after = masked && c->after ? masked : c->after,
        };
    }
}

void walk_plan(struct walk *w, const struct walk_job *j)
{
    station_import(w, j);
    if (w->mapping && w->mapping->enabled)
        station_scope(w, j);
    if (w->status != STATUS_FAILURE)
        station_plan(w, j);
    station_protect(w, j);
}

struct plan_row walk_plan_row(struct walk *w)
{
    struct mapping_changes create = {0};
    struct err ignored;

    if (w->intent == INTENT_UPDATE || w->intent == INTENT_DISABLE) {
        walk_properties(w, &w->changes);
    } else if (w->intent == INTENT_MATCH_OR_CREATE &&
               mapping_create(w->mapping, w->values, w->arena, &create, &ignored)) {
        walk_properties(w, &create);
    }
    return (struct plan_row){
        .intent = w->intent,
        .kind = w->entry.kind,
        .source_id = w->entry.id,
        .source_name = w->entry.display_name,
        .target_id = w->connected ? w->connection.target_id : (struct str){0},
        .reason = w->in_scope ? w->code : w->out_of_scope_reason,
        .code = w->intent == INTENT_NOTHING ? w->code : (struct str){0},
        .changes = w->properties,
        .change_count = w->property_count,
    };
}

static struct str changed_text(const struct mapping_changes *changes, struct str target)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct mapping_change *c = &changes->items[i];

        if (str_eq_ascii_nocase(c->attribute->target, target) && !c->attribute->secret)
            return json_is(c->after, JSON_STRING) ? c->after->text : STR("");
    }
    return STR("");
}

/* What the account is called where it is, not what the source calls the object; nothing of one that
 * is not known. */
static struct str target_name(const struct walk *w)
{
    static const struct str names[] = {STR_INIT("displayName"), STR_INIT("userName")};
    bool sent = w->status != STATUS_FAILURE && w->keep == KEEP_CONNECTION;
    struct str name = {0};

    for (size_t i = 0; i < ARRAY_LEN(names) && name.len == 0; i++) {
        if (sent)
            name = changed_text(&w->changes, names[i]);
        if (name.len == 0 && w->exported_before)
            name = json_get_text(w->exported_before, names[i].ptr);
    }
    if (name.len == 0 && (w->connected || sent))
        name = w->connected ? w->connection.display_name : w->entry.display_name;
    return name;
}

struct journal_record walk_record(const struct walk *w)
{
    return (struct journal_record){
        .job_no = 0,
        .at_us = w->at_us,
        .duration_us = clock_monotonic_us() - w->began_us,
        .action = w->action,
        .status = w->status,
        .code = w->code,
        .message = w->message,
        .kind = w->entry.kind,
        .source_id = w->entry.id,
        .source_name = w->entry.display_name,
        .source_login = json_get_text(w->entry.attributes, "userPrincipalName"),
        .target_id = w->target_id.len ? w->target_id
                     : w->connected   ? w->connection.target_id
                                      : (struct str){0},
        .target_name = target_name(w),
        .initiated_by = STR("system"),
        .steps = w->steps,
        .step_count = w->step_count,
        .properties = w->properties,
        .property_count = w->property_count,
    };
}
