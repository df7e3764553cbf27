/* The names by which kinds, channels and states are stored, set and shown. */
#include "notify/notify.h"

static const char *const kind_names[] = {
    [NOTIFY_QUARANTINE_ENTERED] = "quarantineEntered",
    [NOTIFY_QUARANTINE_CHANGED] = "quarantineChanged",
    [NOTIFY_QUARANTINE_LEFT] = "quarantineLeft",
    [NOTIFY_DISABLE_WARNING] = "disableWarning",
    [NOTIFY_JOB_DISABLED] = "jobDisabled",
    [NOTIFY_REMOVALS_HELD] = "removalsHeld",
    [NOTIFY_CREDENTIAL_EXPIRING] = "credentialExpiring",
    [NOTIFY_CYCLE_FAILED] = "cycleFailed",
    [NOTIFY_ESCROWS_GROWN] = "escrowsGrown",
    [NOTIFY_PROVISIONING_FAILED] = "provisioningFailed",
    [NOTIFY_CHANGES_SET_ASIDE] = "changesSetAside",
    [NOTIFY_DIGEST] = "digest",
    [NOTIFY_TEST] = "test",
};
static_assert(ARRAY_LEN(kind_names) == NOTIFY_KIND_COUNT, "every kind has a name");

static const char *const channel_names[] = {"mail", "webhook"};
static_assert(ARRAY_LEN(channel_names) == NOTIFY_CHANNEL_COUNT, "every channel has a name");
static const char *const state_names[] = {"waits", "sent", "givenUp"};
static_assert(ARRAY_LEN(state_names) == NOTIFY_STATE_COUNT, "every state has a name");

const char *notify_kind_name(enum notify_kind k)
{
    return kind_names[k];
}

bool notify_kind_from_name(struct str name, enum notify_kind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
        if (str_eq_ascii_nocase(name, str_from_z(kind_names[i]))) {
            *out = (enum notify_kind)i;
            return true;
        }
    }
    return false;
}

const char *notify_channel_name(enum notify_channel c)
{
    return channel_names[c];
}

const char *notify_state_name(enum notify_state s)
{
    return state_names[s];
}
