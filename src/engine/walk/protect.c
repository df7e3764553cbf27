#include "engine/walk/protect.h"

#include "base/unicode.h"
#include "engine/cycle/run.h"
#include "engine/references/references.h"

void protect_open(struct run *r)
{
    struct str rest = r->settings.protected_accounts;
    bool more = rest.len > 0;
    struct str part;

    while (more) {
        more = str_cut(&rest, ',', &part);
        part = str_trim(part);
        if (part.len > 0)
            map_put(&r->protected_accounts, str_fold(r->arena, part), r);
    }
    if (r->protected_accounts.count > 0)
        r->walk_job.protected_accounts = &r->protected_accounts;
}

static bool is_listed(const struct walk_job *j, struct arena *a, const struct json *value)
{
    return json_is(value, JSON_STRING) && value->text.len > 0 &&
           map_get(j->protected_accounts, str_fold(a, value->text));
}

static bool id_is_listed(const struct walk_job *j, struct arena *a, struct str id)
{
    return id.len > 0 && map_get(j->protected_accounts, str_fold(a, id));
}

/* By what the account says or said: a flat object of target attributes. */
static bool values_are_listed(const struct walk *w, const struct walk_job *j,
                              const struct json *account)
{
    for (size_t i = 0; i < w->mapping->matching_count; i++) {
        if (is_listed(j, w->arena, json_get(account, w->mapping->matching[i]->target)))
            return true;
    }
    return false;
}

/* By what it is to say: nobody gets the name of a protected account either. */
static bool wanted_are_listed(const struct walk *w, const struct walk_job *j)
{
    for (size_t i = 0; w->values && i < w->mapping->matching_count; i++) {
        const struct mapping_attribute *m = w->mapping->matching[i];

        if (is_listed(j, w->arena, w->values[m - w->mapping->attributes].value))
            return true;
    }
    return false;
}

static void skip(struct walk *w, const char *why)
{
    w->changes.count = 0;
    w->property_count = 0;
    walk_skip(w, "Protected", "The account is protected (%s): it is never written", why);
    w->silent = false;
    walk_step(w, STEP_PROCESSING, "EntrySynchronizationSkip", STATUS_SKIPPED, "%.*s",
              STR_ARG(w->message));
}

/* What the account says, as it was last exported; NULL when that is not known. */
static const struct json *last_said(struct walk *w)
{
    struct json *said;
    struct err ignored;

    return w->connected && w->connection.exported.len > 0 &&
                   json_parse(w->arena, w->connection.exported, NULL, &said, NULL, &ignored)
               ? said
               : NULL;
}

void station_protect(struct walk *w, const struct walk_job *j)
{
    const struct json *said;

    if (!j->protected_accounts || w->intent == INTENT_NOTHING)
        return;
    said = last_said(w);
    if ((w->connected && id_is_listed(j, w->arena, w->connection.target_id)) ||
        values_are_listed(w, j, said) || wanted_are_listed(w, j))
        skip(w, "protected.accounts");
}

bool protect_asks(const struct walk *w)
{
    return w->run->settings.protected_filter.len > 0;
}

bool protect_account(struct walk *w, const struct target_record *record)
{
    const struct walk_job *j = &w->run->walk_job;

    if (record->is_protected) {
        skip(w, "protected.filter");
        return true;
    }
    if (!j->protected_accounts ||
        (!id_is_listed(j, w->arena, record->id) && !values_are_listed(w, j, record->values)))
        return false;
    skip(w, "protected.accounts");
    return true;
}

/* --- the second pass --- */

static void finish_silently(struct walk *w)
{
    w->silent = true;
    w->keep = KEEP_NOTHING;
    export_finish(w);
}

static void look(struct walk *w);

static void on_looked(void *ctx, const struct target_result *result)
{
    struct walk *w = ctx;

    w->requests++;
    if (result->status == TARGET_NOT_FOUND) {
        references_account_gone(w);
    } else if (result->status != TARGET_OK) {
        export_failed(w, result, STEP_MATCHING, "EntrySynchronizationMatch", look);
    } else if (protect_account(w, &result->records[0])) {
        finish_silently(w);
    } else {
        w->after_look(w);
    }
}

static void look(struct walk *w)
{
    struct target *t = w->run->target;

    t->ops->read(t, w->mapping, w->connection.target_id, on_looked, w);
}

void protect_then(struct walk *w, void (*then)(struct walk *w))
{
    const struct target_record known = {
        .id = w->connection.target_id,
        .values = w->run->walk_job.protected_accounts ? last_said(w) : NULL,
    };

    if (protect_account(w, &known)) {
        finish_silently(w);
    } else if (protect_asks(w)) {
        w->after_look = then;
        look(w);
    } else {
        then(w);
    }
}
