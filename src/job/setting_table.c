#include "base/clock.h"
#include "job/setting_kinds.h"

#define AT(field) offsetof(struct job_settings, field)
#define POLICY(event, of)                                                             \
    {                                                                                 \
        "deprovision." event, SETTING_POLICY, AT(removal[of]), "default", 0, 0, NULL, \
            "what becomes of an account when its person is: " event                   \
    }
#define LIST_MAX 20000
#define YEAR_US  (366 * US_PER_DAY)
#define POLICIES "default|disable|delete|keep|set ATTRIBUTE=VALUE, and: after DURATION"

const struct setting setting_table[] = {
    POLICY("unassigned", REMOVAL_UNASSIGNED),
    POLICY("filteredOut", REMOVAL_FILTERED_OUT),
    POLICY("sourceDisabled", REMOVAL_SOURCE_DISABLED),
    POLICY("sourceSoftDeleted", REMOVAL_SOURCE_SOFT_DELETED),
    POLICY("sourceHardDeleted", REMOVAL_SOURCE_HARD_DELETED),
    {"deprovision.skipOutOfScope", SETTING_BOOL, AT(skip_out_of_scope), "false", 0, 0, NULL,
     "who is unassigned or filtered out keeps the account as it is"},
    {"deprovision.skipDisabled", SETTING_BOOL, AT(skip_disabled), "false", 0, 0, NULL,
     "who is disabled or in the recycle bin keeps the account as it is"},
    {"deprovision.deleteAfterUnassign", SETTING_BOOL, AT(delete_after_unassign), "true", 0, 0, NULL,
     "who is deleted for good after being unassigned is deleted in the application, too"},
    {"create.inactive", SETTING_BOOL, AT(create_inactive), "false", 0, 0, NULL,
     "people who are disabled in the source get a disabled account"},
    {"scope.nestedGroups", SETTING_BOOL, AT(nested_groups), "false", 0, 0, NULL,
     "members of groups inside an assigned group are in scope, too"},
    {"scope.roles", SETTING_TEXT, AT(roles), "", 0, LIST_MAX, "ids of app roles, comma-separated",
     "only assignments with one of these roles count; empty: all count"},
    {"source.defaultDomain", SETTING_TEXT, AT(default_domain), "", 0, 255, "a domain",
     "what DefaultDomain() says; empty: the domain that most people's names are in"},
    {"references.clear", SETTING_BOOL, AT(clear_references), "true", 0, 0, NULL,
     "a manager who is removed in the source is cleared in the application"},
    {"push", SETTING_BOOL, AT(push), "true", 0, 0, NULL,
     "a change in the source starts a cycle at once, not only when the interval is over"},
    {"guard", SETTING_BOOL, AT(guard), "true", 0, 0, NULL,
     "removals over the numbers below are held until an administrator decides"},
    {"guard.count", SETTING_INT, AT(guard_count), "500", 0, INT32_MAX, NULL,
     "more removals than this are held"},
    {"guard.percent", SETTING_INT, AT(guard_percent), "10", 0, 100, NULL,
     "removals of more than this share of the accounts are held"},
    {"guard.percentLeast", SETTING_INT, AT(guard_percent_least), "25", 0, INT32_MAX, NULL,
     "the share counts from so many removals on"},
    {"guard.window", SETTING_DURATION, AT(guard_window_us), "PT24H", 0, YEAR_US, NULL,
     "removals of this long count together"},
    {"protected.accounts", SETTING_TEXT, AT(protected_accounts), "", 0, LIST_MAX,
     "ids in the application or matching values, comma-separated",
     "accounts that are never written"},
    {"protected.filter", SETTING_TEXT, AT(protected_filter), "", 0, LIST_MAX, "a SCIM filter",
     "accounts of which the application says this are never written"},
    {"quarantine.profile", SETTING_NAME, AT(quarantine_profile), "scaled", 0, 0, "scaled|compat",
     "thresholds that follow the size of the job, or those of the reference service"},
    {"quarantine.minFailures", SETTING_INT, AT(quarantine_min_failures), "0", 0, INT32_MAX, NULL,
     "the share of failures is judged from so many on; 0: as the profile says"},
    {"journal.skipped", SETTING_BOOL, AT(skipped_one_by_one), "false", 0, 0, NULL,
     "who is skipped and never had an account is written to the log, not only counted"},
    {"journal.retention", SETTING_DURATION, AT(retention_us), "P90D", 0, 100 * YEAR_US, NULL,
     "how long the provisioning log is kept; PT0S: for ever"},
    {"journal.stream", SETTING_TEXT, AT(journal_stream), "", 0, 2000,
     "file:PATH, syslog:, syslog:HOST:PORT or a URL",
     "where the provisioning log is sent on to while it is written"},
    {"drift.interval", SETTING_DURATION, AT(drift_interval_us), "PT0S", 0, YEAR_US, NULL,
     "how often the application is read back; PT0S: only with 'usher drift'"},
    {"drift.answer", SETTING_NAME, AT(drift), "report", 0, 0, "report|repair|accept",
     "what is done about an attribute that was changed in the application"},
    {"drift.attributes", SETTING_TEXT, AT(drift_attributes), "", 0, LIST_MAX,
     "ATTRIBUTE=report|repair|accept, comma-separated", "the same for single attributes"},
    {"notify.events", SETTING_TEXT, AT(notify_events), "", 0, LIST_MAX,
     "kinds of events, comma-separated", "what is told; empty: everything"},
    {"notify.batch", SETTING_DURATION, AT(notify_batch_us), "PT0S", 0, 7 * US_PER_DAY, NULL,
     "events of this long go in one mail; PT0S: each at once"},
    {"notify.escrows", SETTING_INT, AT(notify_escrows), "0", 0, INT32_MAX, NULL,
     "told when so many objects are parked after failures; 0: never"},
    {"notify.digest", SETTING_BOOL, AT(notify_digest), "false", 0, 0, NULL,
     "a daily list of the objects that fail"},
    {"notify.webhook", SETTING_TEXT, AT(notify_webhook), "", 0, 2000, "a URL",
     "where events are posted to as JSON"},
    {"client.auth", SETTING_NAME, AT(auth), "bearer", 0, 0, "bearer|basic|oauth|header",
     "what the secret is: a bearer token, a user's password, an OAuth client secret, a header"},
    {"client.auth.user", SETTING_TEXT, AT(auth_user), "", 0, 255, "a user name",
     "the user of HTTP Basic"},
    {"client.auth.header", SETTING_TEXT, AT(auth_header), "X-Api-Key", 0, 100, "a header's name",
     "the header that carries the secret"},
    {"client.auth.tokenUrl", SETTING_TEXT, AT(token_url), "", 0, 2000, "an https URL",
     "where OAuth access tokens are fetched"},
    {"client.auth.clientId", SETTING_TEXT, AT(client_id), "", 0, 1000, "a client id",
     "the OAuth client"},
    {"client.auth.scope", SETTING_TEXT, AT(token_scope), "", 0, 2000, "scopes, blank-separated",
     "what access tokens are asked for; empty: nothing is said"},
    {"client.auth.style", SETTING_NAME, AT(token_auth), "body", 0, 0, "body|basic",
     "where the client secret stands: in the form, or in the Authorization header"},
    {"client.tls.caFile", SETTING_TEXT, AT(ca_file), "", 0, 1000, "a file in PEM",
     "a private certificate authority that the application's certificate is from"},
    {"client.tls.certFile", SETTING_TEXT, AT(cert_file), "", 0, 1000, "a file in PEM",
     "a certificate that usher shows to the application"},
    {"client.tls.keyFile", SETTING_TEXT, AT(key_file), "", 0, 1000, "a file in PEM",
     "the key of that certificate; empty: it is in the same file"},
    {"client.listing", SETTING_NAME, AT(listing), "auto", 0, 0, "auto|always|never",
     "whether the application is read in pages instead of asked for every new person"},
    {"client.patchDialect", SETTING_NAME, AT(dialect), "rfc", 0, 0, "rfc|entra2020|entraLegacy",
     "how PATCH requests are written"},
    {"client.updateMethod", SETTING_NAME, AT(update_method), "auto", 0, 0, "auto|patch|put",
     "how accounts are changed; auto: PATCH, or PUT where the application has none"},
    {"client.combineReplace", SETTING_NAME, AT(combine_replace), "dialect", 0, 0,
     "dialect|false|true", "one pathless replace for simple attributes"},
    {"client.maxOpsPerPatch", SETTING_INT, AT(max_ops), "100", 1, 10000, NULL,
     "operations in one PATCH"},
    {"client.maxMembersPerPatch", SETTING_INT, AT(max_members), "100", 1, 10000, NULL,
     "members in one PATCH of a group"},
    {"client.memberRemoveStyle", SETTING_NAME, AT(member_remove), "dialect", 0, 0,
     "dialect|filter|valueArray", "how members are taken out of a group"},
    {"client.removeStyle", SETTING_NAME, AT(remove_style), "remove", 0, 0, "remove|emptyReplace",
     "how a value is cleared"},
    {"client.managerStyle", SETTING_NAME, AT(manager_style), "object", 0, 0, "object|id|array",
     "how a manager is written"},
    {"client.disableVia", SETTING_NAME, AT(disable_via), "active", 0, 0, "active|delete|none",
     "how the application disables an account; none: it cannot"},
    {"client.deleteVia", SETTING_NAME, AT(delete_via), "delete", 0, 0, "delete|active|none",
     "how the application deletes an account; none: it cannot"},
    {"client.groupCreate", SETTING_BOOL, AT(group_create), "true", 0, 0, NULL,
     "the application lets groups be created"},
    {"client.groupDelete", SETTING_BOOL, AT(group_delete), "true", 0, 0, NULL,
     "the application lets groups be deleted"},
    {"client.filterEncoding", SETTING_NAME, AT(filter_encoding), "percent20", 0, 0,
     "percent20|plus", "how a blank in a filter is written"},
    {"client.emptyIs404", SETTING_BOOL, AT(empty_is_404), "false", 0, 0, NULL,
     "the application answers 404 when nobody matches"},
    {"client.rate", SETTING_RATE, AT(rate), "auto", 0, 1000000, NULL,
     "requests a second; auto: found out; 0: no limit"},
    {"client.concurrency", SETTING_INT, AT(concurrency), "0", 0, 1000, NULL,
     "requests at the same time; 0: found out"},
    {"client.bulk", SETTING_NAME, AT(bulk), "auto", 0, 0, "auto|off",
     "creations of a first cycle go in bulk requests where the application has them"},
    {"client.allowHttp", SETTING_BOOL, AT(allow_http), "false", 0, 0, NULL,
     "a tenant URL without TLS is taken also for other machines"},
    {"client.denyPrivate", SETTING_BOOL, AT(deny_private), "false", 0, 0, NULL,
     "addresses of private networks are refused"},
    {"client.scanWhenFilterIgnored", SETTING_BOOL, AT(scan_when_filter_ignored), "false", 0, 0,
     NULL, "an application that ignores filters is searched by reading it"},
    {"client.timeout.connect", SETTING_DURATION, AT(connect_us), "PT10S", US_PER_SECOND,
     US_PER_HOUR, NULL, "to connect"},
    {"client.timeout.answer", SETTING_DURATION, AT(answer_us), "PT60S", US_PER_SECOND, US_PER_HOUR,
     NULL, "without a byte of the answer"},
    {"client.timeout.total", SETTING_DURATION, AT(total_us), "PT100S", US_PER_SECOND, US_PER_HOUR,
     NULL, "for a request as a whole"},
    {"client.primaryForWork", SETTING_BOOL, AT(primary_for_work), "true", 0, 0, NULL,
     "e-mails, phone numbers and addresses of type work are marked primary on creation"},
    {"client.sendMeta", SETTING_BOOL, AT(send_meta), "true", 0, 0, NULL,
     "creations say their resource type in meta"},
    {"client.userAgent", SETTING_TEXT, AT(user_agent), "default", 0, 200, "a text",
     "the User-Agent header; default: name and version; empty: none"},
};
const size_t setting_count = ARRAY_LEN(setting_table);

static_assert(sizeof(enum drift_answer) == sizeof(unsigned), "names are written as unsigned");

const struct setting *setting_find(struct str name)
{
    for (size_t i = 0; i < setting_count; i++) {
        if (str_eq_ascii_nocase(name, str_from_z(setting_table[i].name)))
            return &setting_table[i];
    }
    return NULL;
}

static struct str keep(struct arena *a, struct str text)
{
    return a ? arena_str(a, text) : text;
}

static bool put_name(const struct setting *t, unsigned *out, struct str value)
{
    struct str names = str_from_z(t->allowed);
    struct str name;
    unsigned i = 0;
    bool more = true;

    for (; more; i++) {
        more = str_cut(&names, '|', &name);
        if (str_eq_ascii_nocase(name, value)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool put_duration(int64_t min, int64_t max, int64_t *out, struct str value)
{
    int64_t us;

    if (!duration_parse(value, &us) || us < min || us > max)
        return false;
    *out = us;
    return true;
}

static bool put_action(struct removal_policy *out, struct arena *a, struct str value)
{
    static const char *const names[] = {
        [REMOVAL_DEFAULT] = "default",
        [REMOVAL_DISABLE] = "disable",
        [REMOVAL_DELETE] = "delete",
        [REMOVAL_KEEP] = "keep",
    };
    struct str attribute;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] && str_eq_ascii_nocase(value, str_from_z(names[i]))) {
            out->action = (enum removal_action)i;
            return true;
        }
    }
    if (!str_starts(value, STR("set ")))
        return false;
    value = str_trim(str_from(value, 4));
    if (!str_cut(&value, '=', &attribute) || str_empty(str_trim(attribute)))
        return false;
    out->action = REMOVAL_SET_ATTRIBUTE;
    out->attribute = keep(a, str_trim(attribute));
    out->value = keep(a, str_trim(value));
    return true;
}

/* "ACTION", "ACTION after DURATION". A value to set may hold " after ", too: the last one counts.
 */
static bool put_policy(struct removal_policy *out, struct arena *a, struct str value)
{
    struct removal_policy policy = {.action = REMOVAL_DEFAULT};
    struct str word = STR(" after ");

    for (size_t at = value.len; at-- > 0;) {
        if (!str_starts(str_from(value, at), word))
            continue;
        if (!put_duration(0, 10 * YEAR_US, &policy.grace_us,
                          str_trim(str_from(value, at + word.len))))
            return false;
        value = str_sub(value, 0, at);
        break;
    }
    if (!put_action(&policy, a, str_trim(value)))
        return false;
    *out = policy;
    return true;
}

bool setting_put(const struct setting *t, struct job_settings *s, struct arena *a, struct str value)
{
    void *at = (char *)s + t->offset;

    switch (t->kind) {
    case SETTING_BOOL:
        *(bool *)at = str_eq_ascii_nocase(value, STR("true"));
        return *(bool *)at || str_eq_ascii_nocase(value, STR("false"));
    case SETTING_RATE:
        if (str_eq_ascii_nocase(value, STR("auto"))) {
            *(int64_t *)at = RATE_AUTO;
            return true;
        }
        return str_to_int(value, t->min, t->max, at);
    case SETTING_INT:
        return str_to_int(value, t->min, t->max, at);
    case SETTING_DURATION:
        return put_duration(t->min, t->max, at, value);
    case SETTING_NAME:
        return put_name(t, at, value);
    case SETTING_TEXT:
        if (value.len > (size_t)t->max)
            return false;
        *(struct str *)at = keep(a, value);
        return true;
    case SETTING_POLICY:
        return put_policy(at, a, value);
    }
    return false;
}

struct str setting_allowed(const struct setting *t, struct arena *a)
{
    if (t->allowed)
        return str_from_z(t->allowed);
    switch (t->kind) {
    case SETTING_BOOL:
        return STR("true|false");
    case SETTING_RATE:
        return arena_printf(a, "auto, or %lld to %lld", (long long)t->min, (long long)t->max);
    case SETTING_INT:
        return arena_printf(a, "%lld to %lld", (long long)t->min, (long long)t->max);
    case SETTING_DURATION: {
        char min[TIME_TEXT_MAX];
        char max[TIME_TEXT_MAX];

        duration_write(t->min, min);
        duration_write(t->max, max);
        return arena_printf(a, "a duration such as PT10M, from %s to %s", min, max);
    }
    case SETTING_POLICY:
        return STR(POLICIES);
    case SETTING_NAME:
    case SETTING_TEXT:
        break;
    }
    return STR("a text");
}
