/* What was acknowledged survives SIGKILL of the server: a child process serves, is killed in the
 * middle of many creations, and the next child has to have every user whose 201 arrived. */
#include "fixture.h"
#include "frame/postgres.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS  8
#define THREADS 4
#define USERS   "/scim/t/v2/Users"
#define ACK_MAX 20000

struct hello { /* what a child tells its parent */
    uint16_t port;
};

struct acknowledged {
    pthread_mutex_t lock; /* guards the rest while threads run */
    size_t count;
    char ids[ACK_MAX][UUID_TEXT_MAX];
    char names[ACK_MAX][24];
    size_t enough; /* a round ends when there are so many */
    pthread_cond_t reached;
};

struct creator {
    const struct fixture *fixture;
    struct acknowledged *all;
    int round, number;
};

static pid_t start_child(const struct db_config *config, struct fixture *f)
{
    struct hello hello;
    int ends[2];
    pid_t pid;

    CHECK(pipe(ends) == 0, "pipe");
    pid = fork();
    if (pid == 0) {
        struct fixture serving;

        fixture_start(&serving, config);
        hello.port = serving.port;
        if (write(ends[1], &hello, sizeof(hello)) != (ssize_t)sizeof(hello))
            _exit(1);
        for (;;)
            pause();
    }
    CHECK(pid > 0, "fork");
    close(ends[1]);
    CHECK(read(ends[0], &hello, sizeof(hello)) == (ssize_t)sizeof(hello), "the child says hello");
    close(ends[0]);
    f->port = hello.port;
    return pid;
}

static void kill_child(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "killed");
}

static void note(struct acknowledged *all, const struct answer *answer, const char *name)
{
    struct str location = answer_header(answer, STR("Location"));

    pthread_mutex_lock(&all->lock);
    if (all->count < ACK_MAX) {
        snprintf(all->ids[all->count], UUID_TEXT_MAX, "%.*s",
                 STR_ARG(str_from(location, location.len - (UUID_TEXT_MAX - 1))));
        snprintf(all->names[all->count], sizeof(all->names[0]), "%s", name);
        all->count++;
    }
    if (all->count >= all->enough)
        pthread_cond_signal(&all->reached);
    pthread_mutex_unlock(&all->lock);
}

static void *create_users(void *arg)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct creator *me = arg;
    struct client client;
    struct answer answer;
    char name[24], body[128];

    client_open(&client, me->fixture->port);
    for (int i = 0;; i++) {
        snprintf(name, sizeof(name), "r%d-%d-%d", me->round, me->number, i);
        snprintf(body, sizeof(body), "{\"userName\":\"%s\",\"emails\":[{\"value\":\"%s@x\"}]}",
                 name, name);
        if (!client_try(&client, a, HTTP_POST,
                        client_request(me->fixture, a, HTTP_POST, USERS, body), &answer))
            break;
        if (answer.status == 201)
            note(me->all, &answer, name);
        arena_reset(a);
    }
    client_close(&client);
    return NULL;
}

/* Kills the server when `more` further creations have been acknowledged, others being on their way.
 */
static void run_round(const struct fixture *f, pid_t pid, struct acknowledged *all, int round,
                      size_t more)
{
    struct creator creators[THREADS];
    pthread_t threads[THREADS];

    all->enough = all->count + more;
    for (int i = 0; i < THREADS; i++) {
        creators[i] = (struct creator){f, all, round, i};
        pthread_create(&threads[i], NULL, create_users, &creators[i]);
    }
    pthread_mutex_lock(&all->lock);
    while (all->count < all->enough)
        pthread_cond_wait(&all->reached, &all->lock);
    pthread_mutex_unlock(&all->lock);
    kill_child(pid);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void check_all(const struct fixture *f, const struct acknowledged *all)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct client client;
    struct answer answer;

    client_open(&client, f->port);
    for (size_t i = 0; i < all->count; i++) {
        client_ask(&client, f, a, HTTP_GET, arena_printf(a, USERS "/%s", all->ids[i]).ptr, NULL,
                   &answer);
        CHECK(answer.status == 200, "%s was acknowledged and is gone", all->names[i]);
        CHECK_STR(json_get_text(answer.json, "userName"), all->names[i], "%s", all->ids[i]);
        client_ask(&client, f, a, HTTP_GET,
                   arena_printf(a, USERS "?filter=emails.value+eq+%%22%s@x%%22", all->names[i]).ptr,
                   NULL, &answer);
        CHECK(json_get_int(answer.json, "totalResults", 0) == 1, "%s by e-mail", all->names[i]);
        arena_reset(a);
    }
    client_close(&client);
}

static void check_durable(const struct db_config *config)
{
    struct acknowledged *all = mem_alloc(sizeof(*all));
    struct rng_seeded random;
    struct fixture f = {0};
    struct err err = {0};
    pid_t pid;

    rng_seeded_init(&random, 20261);
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->reached, NULL);
    CHECK(db_open(config, &f.db, &err), "%s", err.message);
    fixture_tenant(&f, "generic", "t");
    db_close(f.db);
    for (int round = 0; round < ROUNDS; round++) {
        pid = start_child(config, &f);
        check_all(&f, all);
        run_round(&f, pid, all, round, 1 + (size_t)rng_below(&random.rng, 150));
    }
    pid = start_child(config, &f);
    check_all(&f, all);
    kill_child(pid);
    secret_done(&f.key);
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->reached);
    free(all);
}

static void acknowledged_is_durable(void **state)
{
    (void)state;
    test_databases(check_durable);
}

TEST_GROUP(durable, cmocka_unit_test(acknowledged_is_durable));
