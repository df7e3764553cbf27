#include "provider/imitation/rate_class.h"

#include "provider/internal.h"

enum act {
    ACT_LIST = 1,
    ACT_GET = 2,
    ACT_CREATE = 4,
    ACT_PUT = 8,
    ACT_PATCH = 16,
    ACT_DELETE = 32
};
#define ACT_READ   (ACT_LIST | ACT_GET)
#define ACT_UPDATE (ACT_PUT | ACT_PATCH)
#define ACT_WRITE  (ACT_CREATE | ACT_UPDATE | ACT_DELETE)

static const struct {
    struct str name;
    enum resource_kind kind; /* RESOURCE_ANY: both, and everything else */
    unsigned acts;
} classes[] = {
    {STR_INIT("all"), RESOURCE_ANY, ACT_READ | ACT_WRITE},
    {STR_INIT("reads"), RESOURCE_ANY, ACT_READ},
    {STR_INIT("writes"), RESOURCE_ANY, ACT_WRITE},
    {STR_INIT("userList"), RESOURCE_USER, ACT_LIST},
    {STR_INIT("userGet"), RESOURCE_USER, ACT_GET},
    {STR_INIT("userCreate"), RESOURCE_USER, ACT_CREATE},
    {STR_INIT("userUpdate"), RESOURCE_USER, ACT_UPDATE},
    {STR_INIT("userPut"), RESOURCE_USER, ACT_PUT},
    {STR_INIT("userPatch"), RESOURCE_USER, ACT_PATCH},
    {STR_INIT("userDelete"), RESOURCE_USER, ACT_DELETE},
    {STR_INIT("groupList"), RESOURCE_GROUP, ACT_LIST},
    {STR_INIT("groupGet"), RESOURCE_GROUP, ACT_GET},
    {STR_INIT("groupCreate"), RESOURCE_GROUP, ACT_CREATE},
    {STR_INIT("groupUpdate"), RESOURCE_GROUP, ACT_UPDATE},
    {STR_INIT("groupDelete"), RESOURCE_GROUP, ACT_DELETE},
};
static_assert(ARRAY_LEN(classes) <= RATE_CLASS_MAX, "every class has a bucket");

/* The class of a name, or the number of classes. */
static size_t class_of(struct str name)
{
    size_t i = 0;

    while (i < ARRAY_LEN(classes) && !str_eq_ascii_nocase(classes[i].name, name))
        i++;
    return i;
}

bool rate_classes_check(const struct json *rates, struct err *err)
{
    JSON_EACH(rate, rates)
    {
        if (class_of(rate->name) == ARRAY_LEN(classes)) {
            return err_set(err, ERR_INVALID, "badSetting",
                           "rate: there is no class '%.*s'; userCreate and groupList are two",
                           STR_ARG(str_sub(rate->name, 0, 60)));
        }
        if (json_get_int(rate, "requests", 0) < 1 || json_get_int(rate, "seconds", 1) < 1 ||
            json_get_int(rate, "burst", 1) < 1) {
            return err_set(err, ERR_INVALID, "badSetting",
                           "rate: '%.*s' takes {\"requests\":N,\"seconds\":S,\"burst\":B}",
                           STR_ARG(str_sub(rate->name, 0, 60)));
        }
    }
    return true;
}

static unsigned act_of(const struct call *c)
{
    bool one = c->endpoint == ENDPOINT_USER || c->endpoint == ENDPOINT_GROUP;

    switch (c->method) {
    case HTTP_GET:
    case HTTP_HEAD:
        return one ? ACT_GET : ACT_LIST;
    case HTTP_POST:
        return c->endpoint == ENDPOINT_USERS || c->endpoint == ENDPOINT_GROUPS ||
                       c->endpoint == ENDPOINT_BULK
                   ? ACT_CREATE
                   : ACT_LIST;
    case HTTP_PUT:
        return ACT_PUT;
    case HTTP_PATCH:
        return ACT_PATCH;
    case HTTP_DELETE:
        return ACT_DELETE;
    case HTTP_OPTIONS:
    case HTTP_METHOD_COUNT:
        break;
    }
    return 0;
}

/* RESOURCE_ANY where it is neither. */
static enum resource_kind kind_of(const struct call *c)
{
    static const enum resource_kind kinds[ENDPOINT_COUNT] = {
        [ENDPOINT_USERS] = RESOURCE_USER,        [ENDPOINT_USER] = RESOURCE_USER,
        [ENDPOINT_USERS_SEARCH] = RESOURCE_USER, [ENDPOINT_GROUPS] = RESOURCE_GROUP,
        [ENDPOINT_GROUP] = RESOURCE_GROUP,       [ENDPOINT_GROUPS_SEARCH] = RESOURCE_GROUP,
    };

    return kinds[c->endpoint];
}

static bool counts_for(size_t class_, enum resource_kind kind, unsigned act)
{
    return (classes[class_].kind == RESOURCE_ANY || classes[class_].kind == kind) &&
           (classes[class_].acts & act) != 0;
}

/* What is in the bucket of a class now, at most `burst`. */
static void fill(struct rate_classes *state, size_t class_, double per_us, double burst,
                 int64_t now_us)
{
    int64_t since_us = now_us - state->buckets[class_].filled_us;
    double tokens = state->buckets[class_].tokens + (double)since_us * per_us;

    if (state->buckets[class_].filled_us == 0 || tokens > burst)
        tokens = burst;
    state->buckets[class_].tokens = tokens;
    state->buckets[class_].filled_us = now_us;
}

/* Microseconds until the bucket of the class has a request; 0: it has one. */
static int64_t wait_of(struct rate_classes *state, size_t class_, const struct json *rate,
                       int64_t now_us)
{
    int64_t requests = json_get_int(rate, "requests", 1);
    double per_us = (double)requests / ((double)json_get_int(rate, "seconds", 1) * 1e6);

    fill(state, class_, per_us, (double)json_get_int(rate, "burst", requests), now_us);
    if (state->buckets[class_].tokens >= 1)
        return 0;
    return (int64_t)((1 - state->buckets[class_].tokens) / per_us) + 1;
}

/* Takes the request out of the bucket of each of its classes. */
static void spend(const struct json *rates, struct rate_classes *state, enum resource_kind kind,
                  unsigned act)
{
    JSON_EACH(rate, rates)
    {
        size_t class_ = class_of(rate->name);

        if (class_ < ARRAY_LEN(classes) && counts_for(class_, kind, act))
            state->buckets[class_].tokens -= 1;
    }
}

int64_t rate_classes_take(const struct json *rates, struct rate_classes *state,
                          const struct call *c)
{
    int64_t now_us = clock_monotonic_us(), wait_us = 0;
    enum resource_kind kind = kind_of(c);
    unsigned act = act_of(c);

    pthread_mutex_lock(&state->lock);
    JSON_EACH(rate, rates)
    {
        size_t class_ = class_of(rate->name);

        if (class_ < ARRAY_LEN(classes) && counts_for(class_, kind, act)) {
            int64_t short_us = wait_of(state, class_, rate, now_us);

            wait_us = wait_us > short_us ? wait_us : short_us;
        }
    }
    if (wait_us == 0)
        spend(rates, state, kind, act);
    pthread_mutex_unlock(&state->lock);
    return wait_us;
}
