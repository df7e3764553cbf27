/* Names of actions, statuses and steps, and the record as JSON. */
#include "base/clock.h"
#include "base/rng.h"
#include "journal/advice.h"
#include "journal/journal.h"

#include <inttypes.h>

static const char *const action_names[] = {
    [ACTION_CREATE] = "create",
    [ACTION_UPDATE] = "update",
    [ACTION_DELETE] = "delete",
    [ACTION_DISABLE] = "disable",
    [ACTION_STAGED_DELETE] = "stagedDelete",
    [ACTION_OTHER] = "other",
};
static_assert(ARRAY_LEN(action_names) == ACTION_COUNT, "every journal_action has a name");

static const char *const status_names[] = {
    [STATUS_SUCCESS] = "success",
    [STATUS_FAILURE] = "failure",
    [STATUS_SKIPPED] = "skipped",
    [STATUS_WARNING] = "warning",
};
static_assert(ARRAY_LEN(status_names) == STATUS_COUNT, "every journal_status has a name");

static const char *const step_names[] = {
    [STEP_IMPORT] = "import",
    [STEP_SCOPING] = "scoping",
    [STEP_MATCHING] = "matching",
    [STEP_PROCESSING] = "processing",
    [STEP_REFERENCE] = "referenceResolution",
    [STEP_EXPORT] = "export",
};
static_assert(ARRAY_LEN(step_names) == STEP_TYPE_COUNT, "every step_type has a name");

static const char *const kind_names[] = {[SOURCE_USER] = "User", [SOURCE_GROUP] = "Group"};
static_assert(ARRAY_LEN(kind_names) == SOURCE_KIND_COUNT, "every source_kind has a name");

static bool find_name(const char *const *names, size_t count, struct str name, size_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_ascii_nocase(name, str_from_z(names[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Values of the log are texts: a text as it is, a boolean as the reference service writes it, all
 * else as JSON. */
static struct json *value_text(struct arena *a, const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return json_null(a);
    switch (v->type) {
    case JSON_STRING:
    case JSON_NUMBER:
        return json_string(a, v->text);
    case JSON_BOOL:
        return json_string(a, v->boolean ? STR("True") : STR("False"));
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return json_string(a, json_text(a, v));
}

/* What was sent, of the step that failed. */
static struct str request_of(const struct journal_record *r)
{
    for (size_t i = r->step_count; i-- > 0;) {
        const struct json *request = r->steps[i].status == STATUS_FAILURE && r->steps[i].details
                                         ? json_get(r->steps[i].details, STR("request"))
                                         : NULL;

        if (request && request->type == JSON_STRING)
            return request->text;
    }
    return STR("");
}

static struct json *status_to_json(struct arena *a, const struct journal_record *r)
{
    struct json *info = json_new(a, JSON_OBJECT);
    struct json *error;

    json_add_z(a, info, "status", journal_status_name(r->status));
    if (r->status != STATUS_FAILURE && r->status != STATUS_WARNING) {
        json_add_null(a, info, "errorInformation");
        return info;
    }
    const struct journal_advice *advice = journal_advice_find(r->code);

    error = json_new(a, JSON_OBJECT);
    json_add_str(a, error, "errorCode", r->code);
    json_add_str(a, error, "reason", r->message);
    if (request_of(r).len) {
        json_add_str(a, error, "additionalDetails", request_of(r));
    } else {
        json_add_null(a, error, "additionalDetails");
    }
    json_add_z(a, error, "errorCategory", advice && advice->ours ? "failure" : "nonServiceFailure");
    if (advice) {
        json_add_z(a, error, "recommendedAction", advice->action);
    } else {
        json_add_null(a, error, "recommendedAction");
    }
    json_add(a, info, STR("errorInformation"), error);
    return info;
}

static struct json *initiator_to_json(struct arena *a, const struct journal_record *r)
{
    struct json *v = json_new(a, JSON_OBJECT);
    bool system = r->initiated_by.len == 0 || str_eq_z(r->initiated_by, "system");

    json_add_str(a, v, "id", system ? STR("") : r->initiated_by);
    json_add_str(a, v, "displayName",
                 system ? STR("Azure AD Provisioning Service") : r->initiated_by);
    json_add_z(a, v, "initiatorType", system ? "system" : "user");
    return v;
}

static struct json *identity_to_json(struct arena *a, struct str id, struct str name,
                                     const char *type, struct str login)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct json *details = json_new(a, JSON_OBJECT);

    json_add_str(a, v, "id", id);
    json_add_str(a, v, "displayName", name);
    json_add_z(a, v, "identityType", type);
    if (login.len) {
        json_add_str(a, details, "id", id);
        json_add_z(a, details, "odatatype", type);
        json_add_str(a, details, "DisplayName", name);
        json_add_str(a, details, "UserPrincipalName", login);
    }
    json_add(a, v, STR("details"), details);
    return v;
}

static struct json *steps_to_json(struct arena *a, const struct journal_record *r)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < r->step_count; i++) {
        const struct journal_step *s = &r->steps[i];
        struct json *v = json_new(a, JSON_OBJECT);
        struct json *details = json_new(a, JSON_OBJECT);

        json_add_z(a, v, "name", s->name);
        json_add_z(a, v, "provisioningStepType", step_type_name(s->type));
        json_add_z(a, v, "status", journal_status_name(s->status));
        json_add_str(a, v, "description", s->description);
        JSON_EACH(d, s->details)
        json_set(a, details, d->name, value_text(a, d));
        json_add(a, v, STR("details"), details);
        json_append(list, v);
    }
    return list;
}

static struct json *properties_to_json(struct arena *a, const struct journal_record *r)
{
    struct json *list = json_new(a, JSON_ARRAY);

    for (size_t i = 0; i < r->property_count; i++) {
        const struct journal_property *p = &r->properties[i];
        struct json *v = json_new(a, JSON_OBJECT);

        json_add_str(a, v, "displayName", p->name);
        json_add(a, v, STR("oldValue"), value_text(a, p->before));
        json_add(a, v, STR("newValue"), value_text(a, p->after));
        json_append(list, v);
    }
    return list;
}

const char *journal_action_name(enum journal_action a)
{
    return action_names[a];
}

const char *journal_status_name(enum journal_status s)
{
    return status_names[s];
}

const char *step_type_name(enum step_type t)
{
    return step_names[t];
}

bool journal_action_from_name(struct str name, enum journal_action *out)
{
    size_t i;

    if (!find_name(action_names, ARRAY_LEN(action_names), name, &i))
        return false;
    *out = (enum journal_action)i;
    return true;
}

bool journal_status_from_name(struct str name, enum journal_status *out)
{
    size_t i;

    if (!find_name(status_names, ARRAY_LEN(status_names), name, &i))
        return false;
    *out = (enum journal_status)i;
    return true;
}

struct str journal_record_id(struct arena *a, int64_t job_no, int64_t no)
{
    return arena_printf(a, "%08" PRIx64 "-0000-4000-8000-%012" PRIx64, (uint64_t)job_no,
                        (uint64_t)no);
}

bool journal_record_numbers(struct str id, int64_t *out_job_no, int64_t *out_no)
{
    char text[UUID_TEXT_MAX];
    uint64_t job, no;
    int end = 0;

    if (!uuid_valid(id))
        return false;
    snprintf(text, sizeof(text), "%.*s", STR_ARG(id));
    /* NOLINTNEXTLINE(cert-err34-c): these are digits, and no more than fit */
    if (sscanf(text, "%8" SCNx64 "-0000-4000-8000-%12" SCNx64 "%n", &job, &no, &end) != 2 ||
        text[end] != '\0')
        return false;
    *out_job_no = (int64_t)job;
    *out_no = (int64_t)no;
    return true;
}

struct json *journal_to_json(struct arena *a, const struct journal_record *r)
{
    struct json *v = json_new(a, JSON_OBJECT);
    struct str id = journal_record_id(a, r->job_no, r->no);
    char at[TIME_TEXT_MAX];

    json_add_str(a, v, "id", id);
    json_add_str(a, v, "activityDateTime", time_write(r->at_us, at));
    json_add_str(a, v, "cycleId", r->cycle_id);
    json_add_str(a, v, "changeId", id);
    json_add_z(a, v, "provisioningAction", journal_action_name(r->action));
    json_add_int(a, v, "durationInMilliseconds", r->duration_us / US_PER_MS);
    json_add(a, v, STR("provisioningStatusInfo"), status_to_json(a, r));
    json_add(a, v, STR("initiatedBy"), initiator_to_json(a, r));
    json_add(
        a, v, STR("sourceIdentity"),
        identity_to_json(a, r->source_id, r->source_name, kind_names[r->kind], r->source_login));
    json_add(a, v, STR("targetIdentity"),
             identity_to_json(a, r->target_id, r->target_name, kind_names[r->kind], STR("")));
    json_add(a, v, STR("provisioningSteps"), steps_to_json(a, r));
    json_add(a, v, STR("modifiedProperties"), properties_to_json(a, r));
    return v;
}
