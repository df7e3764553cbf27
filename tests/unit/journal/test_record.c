/* The JSON of a record for each action and status, against engine.md 13.1 and graph-api.md 4.2. */
#include "frame/frame.h"
#include "journal/journal.h"

static const struct {
    const char *label;
    enum journal_action action;
    enum journal_status status;
    const char *code, *message, *request, *initiated_by;
    bool target; /* the account is known */
    const char *want[5];
} records[] = {
    {"created",
     ACTION_CREATE,
     STATUS_SUCCESS,
     "",
     "",
     NULL,
     "system",
     true,
     {"\"provisioningAction\":\"create\",\"durationInMilliseconds\":540,"
      "\"provisioningStatusInfo\":{\"status\":\"success\",\"errorInformation\":null}",
      "\"initiatedBy\":{\"id\":\"\",\"displayName\":\"Azure AD Provisioning Service\","
      "\"initiatorType\":\"system\"}",
      "\"targetIdentity\":{\"id\":\"t-1\",\"displayName\":\"Ada\",\"identityType\":\"User\","
      "\"details\":{}}"}},
    {"create failed",
     ACTION_CREATE,
     STATUS_FAILURE,
     "EntryConflict",
     "POST /Users was answered with status 409",
     "POST /Users\n{\"userName\":\"ada\",\"password\":\"*****\"}",
     "system",
     false,
     {"\"status\":\"failure\",\"errorInformation\":{\"errorCode\":\"EntryConflict\","
      "\"reason\":\"POST /Users was answered with status 409\","
      "\"additionalDetails\":\"POST /Users\\n{\\\"userName\\\":\\\"ada\\\","
      "\\\"password\\\":\\\"*****\\\"}\",\"errorCategory\":\"nonServiceFailure\","
      "\"recommendedAction\":\"",
      "\"targetIdentity\":{\"id\":\"\",\"displayName\":\"\",\"identityType\":\"User\","
      "\"details\":{}}",
      "\"name\":\"EntryExportAdd\",\"provisioningStepType\":\"export\",\"status\":\"failure\"",
      "\"retried\":\"2\"", "\"nextTry\":\"2026-03-01T02:00:00.000Z\""}},
    {"our own fault",
     ACTION_UPDATE,
     STATUS_FAILURE,
     "InternalError",
     "x",
     NULL,
     "system",
     true,
     {"\"provisioningAction\":\"update\"", "\"additionalDetails\":null,"
                                           "\"errorCategory\":\"failure\""}},
    {"a code that nobody has advice on",
     ACTION_UPDATE,
     STATUS_FAILURE,
     "Whatever",
     "x",
     NULL,
     "system",
     true,
     {"\"errorCode\":\"Whatever\"", "\"recommendedAction\":null"}},
    {"updated on demand",
     ACTION_UPDATE,
     STATUS_SUCCESS,
     "",
     "",
     NULL,
     "grace",
     true,
     {"\"initiatedBy\":{\"id\":\"grace\",\"displayName\":\"grace\",\"initiatorType\":\"user\"}"}},
    {"a reference waits",
     ACTION_UPDATE,
     STATUS_WARNING,
     "UnableToResolveReferenceAttributeValue",
     "manager waits",
     NULL,
     "system",
     true,
     {"\"status\":\"warning\",\"errorInformation\":{\"errorCode\":"
      "\"UnableToResolveReferenceAttributeValue\",\"reason\":\"manager waits\"",
      "\"provisioningStepType\":\"referenceResolution\",\"status\":\"warning\""}},
    {"disabled",
     ACTION_DISABLE,
     STATUS_SUCCESS,
     "",
     "",
     NULL,
     "system",
     true,
     {"\"provisioningAction\":\"disable\""}},
    {"deleted",
     ACTION_DELETE,
     STATUS_SUCCESS,
     "",
     "",
     NULL,
     "system",
     true,
     {"\"provisioningAction\":\"delete\""}},
    {"held",
     ACTION_STAGED_DELETE,
     STATUS_SKIPPED,
     "Staged",
     "held",
     NULL,
     "system",
     true,
     {"\"provisioningAction\":\"stagedDelete\"",
      "\"status\":\"skipped\",\"errorInformation\":null"}},
    {"out of scope",
     ACTION_OTHER,
     STATUS_SKIPPED,
     "NotEffectivelyEntitled",
     "not assigned",
     NULL,
     "system",
     false,
     {"\"provisioningAction\":\"other\"", "\"status\":\"skipped\",\"errorInformation\":null"}},
};

static struct journal_step export_step(struct arena *a, size_t i)
{
    struct json *details = json_new(a, JSON_OBJECT);
    bool waits = records[i].status == STATUS_WARNING;

    if (records[i].request) {
        json_add_z(a, details, "request", records[i].request);
        json_add_int(a, details, "retried", 2);
        json_add_z(a, details, "nextTry", "2026-03-01T02:00:00.000Z");
    }
    return (struct journal_step){.type = waits ? STEP_REFERENCE : STEP_EXPORT,
                                 .name = "EntryExportAdd",
                                 .status = records[i].status,
                                 .details = details};
}

static void json(void **state)
{
    bool actions[ACTION_COUNT] = {0};
    bool statuses[STATUS_COUNT] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const struct journal_step step = export_step(a, i);
        const struct journal_record r = {
            .job_no = 7,
            .no = 40 + (int64_t)i,
            .cycle_id = STR("cycle"),
            .duration_us = 540000,
            .action = records[i].action,
            .status = records[i].status,
            .code = str_from_z(records[i].code),
            .message = str_from_z(records[i].message),
            .source_id = STR("s-1"),
            .source_name = STR("Ada Lovelace"),
            .source_login = STR("ada@example.com"),
            .target_id = records[i].target ? STR("t-1") : STR(""),
            .target_name = records[i].target ? STR("Ada") : STR(""),
            .initiated_by = str_from_z(records[i].initiated_by),
            .steps = &step,
            .step_count = 1,
        };
        struct str text = json_text(a, journal_to_json(a, &r));
        struct str id = journal_record_id(a, r.job_no, r.no);
        size_t at;

        actions[r.action] = statuses[r.status] = true;
        CHECK(str_find(text,
                       arena_printf(a, "\"cycleId\":\"cycle\",\"changeId\":\"%.*s\"", STR_ARG(id)),
                       &at),
              "%s: changeId", records[i].label);
        CHECK(str_find(text, STR("\"odatatype\":\"User\",\"DisplayName\":\"Ada Lovelace\""), &at),
              "%s: source", records[i].label);
        for (size_t k = 0; k < ARRAY_LEN(records[i].want) && records[i].want[k]; k++) {
            CHECK(str_find(text, str_from_z(records[i].want[k]), &at), "%s: %s in %.*s",
                  records[i].label, records[i].want[k], STR_ARG(text));
        }
    }
    for (size_t i = 0; i < ACTION_COUNT; i++)
        CHECK(actions[i], "%s is in the table", journal_action_name((enum journal_action)i));
    for (size_t i = 0; i < STATUS_COUNT; i++)
        CHECK(statuses[i], "%s is in the table", journal_status_name((enum journal_status)i));
}

TEST_GROUP(record, cmocka_unit_test(json))
