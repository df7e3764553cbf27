/* Groups that are sent as a whole to an application that may not show their members (scim.md 10.4,
 * target.h): they are never emptied by that. */
#include "peer.h"

enum { SCRIPT_MAX = 6 };

#define INCOMPATIBLE           "SystemForCrossDomainIdentityManagementServiceIncompatible"
#define GROUP(name_, members_) "{\"id\":\"7\",\"displayName\":\"" name_ "\"" members_ "}"
#define MEMBERS(list_)         ",\"members\":[" list_ "]"
#define MEMBER(id_)            "{\"value\":\"" id_ "\"}"
#define READ(group_)                                \
    {                                               \
        "GET", "/Groups/7", NULL, 200, NULL, group_ \
    }
#define PUT(group_)                                 \
    {                                               \
        "PUT", "/Groups/7", group_, 200, NULL, "{}" \
    }

/* What the owner of the target knows of group 7. */
struct knowing {
    struct target_known base; /* first */
    const struct target_membership *is;
};

static bool known_members(struct target_known *k, struct str id, size_t max, struct arena *a,
                          struct target_membership *out, struct err *err)
{
    const struct target_membership *is = ((struct knowing *)k)->is;

    (void)err;
    (void)a;
    CHECK_STR(id, "7", "the group that is sent");
    CHECK(is->count <= max, "not more than are asked for");
    *out = *is;
    return true;
}

static struct str x_and_y[] = {STR_INIT("x"), STR_INIT("y")};
#define NOBODY       NULL, 0, false
#define X_AND_Y      x_and_y, ARRAY_LEN(x_and_y), false
#define X_Y_AND_MORE x_and_y, ARRAY_LEN(x_and_y), true

static const struct {
    const char *label, *outcome;
    struct target_membership known;
    bool renames; /* else b joins and x leaves */
    struct exchange script[SCRIPT_MAX];
} cases[] = {
    {"ours: who is known to be there",
     "ok",
     {X_AND_Y, true},
     false,
     {READ(GROUP("team", "")), PUT(GROUP("team", MEMBERS(MEMBER("y") "," MEMBER("b"))))}},
    {"ours: an empty list says no more",
     "ok",
     {X_AND_Y, true},
     false,
     {READ(GROUP("team", MEMBERS(""))), PUT(GROUP("team", MEMBERS(MEMBER("y") "," MEMBER("b"))))}},
    {"ours: nobody was put there",
     "ok",
     {NOBODY, true},
     false,
     {READ(GROUP("team", "")), PUT(GROUP("team", MEMBERS(MEMBER("b"))))}},
    {"ours: with another name",
     "ok",
     {X_AND_Y, true},
     true,
     {READ(GROUP("team", "")), PUT(GROUP("crew", MEMBERS(MEMBER("x") "," MEMBER("y"))))}},
    {"ours: more than can be sent",
     INCOMPATIBLE,
     {X_Y_AND_MORE, true},
     false,
     {READ(GROUP("team", ""))}},
    {"not ours: nobody knows who was there",
     INCOMPATIBLE,
     {NOBODY, false},
     false,
     {READ(GROUP("team", ""))}},
    {"not ours: another name would empty it",
     INCOMPATIBLE,
     {X_AND_Y, false},
     true,
     {READ(GROUP("team", ""))}},
    {"not ours: another name of a group that nobody was put into",
     "ok",
     {NOBODY, false},
     true,
     {READ(GROUP("team", "")), PUT(GROUP("crew", ""))}},
    {"not ours: it is shown who is there",
     "ok",
     {X_AND_Y, false},
     false,
     {READ(GROUP("team", MEMBERS(MEMBER("x") "," MEMBER("z")))),
      PUT(GROUP("team", MEMBERS(MEMBER("z") "," MEMBER("b"))))}},
};

static void begin(struct target *t, bool renames, struct call *call)
{
    static const struct str b = STR_INIT("b"), x = STR_INIT("x");
    struct mapping_changes changes;

    call_init(call);
    if (!renames) {
        t->ops->change_members(
            t, peer_groups(), STR("7"),
            &(struct target_members){.attribute = &peer_groups()->attributes[G_MEMBERS],
                                     .add = &b,
                                     .add_count = 1,
                                     .remove = &x,
                                     .remove_count = 1},
            call_ended, call);
        return;
    }
    changes = peer_changes(call->a, peer_groups(), NULL, "{\"displayName\": \"crew\"}");
    t->ops->update(t, peer_groups(), STR("7"), &changes, call_ended, call);
}

static void check(struct target *t, bool renames, const char *outcome, const char *label)
{
    struct call call;

    begin(t, renames, &call);
    call_wait(t, &call);
    CHECK_STR(call.result.status == TARGET_OK ? STR("ok") : str_from_z(call.result.code), outcome,
              "%s", label);
    call_done(&call);
}

static size_t length(const struct exchange *script)
{
    size_t n = 0;

    while (n < SCRIPT_MAX && script[n].method)
        n++;
    return n;
}

static void unseen_members(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peer *p = peer_new(cases[i].script, length(cases[i].script));
        struct target *t = peer_target_with(str_from_z(peer_url(p)), "client.updateMethod=put");
        struct knowing knowing = {.base = {.members = known_members}, .is = &cases[i].known};

        t->known = &knowing.base;
        check(t, cases[i].renames, cases[i].outcome, cases[i].label);
        target_close(t);
        peer_free(p, cases[i].label);
    }
}

/* An application that has named the members of a group is one that shows them. */
static void shown_elsewhere(void **state)
{
    static const struct exchange script[] = {
        READ(GROUP("team", MEMBERS(MEMBER("z")))),
        PUT(GROUP("team", MEMBERS(MEMBER("z") "," MEMBER("b")))),
        READ(GROUP("team", "")),
        PUT(GROUP("team", MEMBERS(MEMBER("b")))),
    };
    static const struct target_membership nobody = {NOBODY, false};
    struct peer *p = peer_new(script, ARRAY_LEN(script));
    struct target *t = peer_target_with(str_from_z(peer_url(p)), "client.updateMethod=put");
    struct knowing knowing = {.base = {.members = known_members}, .is = &nobody};

    (void)state;
    t->known = &knowing.base;
    check(t, false, "ok", "a group that names one");
    check(t, false, "ok", "so that one that names none is empty");
    target_close(t);
    peer_free(p, "shown elsewhere");
}

TEST_GROUP(scim_put, cmocka_unit_test(unseen_members), cmocka_unit_test(shown_elsewhere))
