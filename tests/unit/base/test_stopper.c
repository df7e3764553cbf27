/* A thread that rests is woken by being stopped. */
#include "base/stopper.h"
#include "frame/frame.h"

static void *rests(void *arg)
{
    struct stopper *s = arg;

    while (!atomic_load(&s->stop))
        stopper_rest(s, 600);
    return NULL;
}

static void wakes_everybody(void **state)
{
    struct stopper s;
    pthread_t threads[3];

    (void)state;
    stopper_init(&s);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, rests, &s) == 0, "thread");
    stopper_stop(&s);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    stopper_rest(&s, 600); /* nobody rests after it */
    stopper_done(&s);
}

static void rests_no_longer_than_asked(void **state)
{
    struct stopper s;

    (void)state;
    stopper_init(&s);
    stopper_rest(&s, 0);
    CHECK(!atomic_load(&s.stop), "nobody has stopped it");
    stopper_done(&s);
}

TEST_GROUP(stopper, cmocka_unit_test(wakes_everybody), cmocka_unit_test(rests_no_longer_than_asked))
