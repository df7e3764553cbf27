#include "cli/wire.h"

#include "cli/author.h"
#include "cli/config_file.h"
#include "connector/source.h"
#include "connector/target.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

/* A signal handler has no parameter to carry a context: the one variable of the program. */
static atomic_bool interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = true;
}

void cli_interrupt_begin(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void mask_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(how, &set, NULL);
}

void cli_interrupt_hold(void)
{
    mask_signals(SIG_BLOCK);
}

void cli_interrupt_release(void)
{
    mask_signals(SIG_UNBLOCK);
}

void cli_interrupt_wait(void)
{
    sigset_t none;

    sigemptyset(&none);
    cli_interrupt_hold(); /* so that none comes between the look and the wait */
    while (!interrupted)
        sigsuspend(&none); /* NOLINT(concurrency-mt-unsafe): safe on Linux */
    cli_interrupt_release();
}

const atomic_bool *cli_interrupted(void)
{
    return &interrupted;
}

static bool open_source(struct db *db, const struct job *job, struct source **out, struct err *err)
{
    return source_open_directory(db, job->id, out, err);
}

/* How long an application may take for an answer. 0 when it is not set: the connector's own. */
static bool timeout_setting(const struct cli *c, int64_t *out_ms, struct err *err)
{
    const char *text = cli_file_value(c->file, "--timeout");
    int64_t seconds = 0;

    if (text && !str_to_int(str_from_z(text), 1, CLI_TIMEOUT_MAX_S, &seconds)) {
        return err_set(err, ERR_INVALID, "usage",
                       "USHER_TIMEOUT is a number of seconds from 1 to %d, not '%s'",
                       CLI_TIMEOUT_MAX_S, text);
    }
    *out_ms = seconds * 1000;
    return true;
}

static bool open_target(void *ctx, const struct job *job, const struct job_settings *settings,
                        const struct secret *token, const struct mapping_program *program,
                        struct target **out, struct err *err)
{
    struct target_scim_config config = {
        .base_url = job->base_url, .token = token, .settings = settings};
    const struct cli *c = ctx;

    if (!timeout_setting(c, &config.timeout_ms, err))
        return false;
    config.record_dir = c->record_dir;
    config.ca_file = cli_file_value(c->file, "--ca-file");
    return target_open_scim(program, &config, out, err);
}

bool cli_wire_begin(struct cli_wire *w, struct cli *c, struct err *err)
{
    *w = (struct cli_wire){.cli = c};
    if (!cli_db_open(c, err) || !cli_secret_key(c, &w->key, err))
        return false;
    w->engine = (struct engine){
        .db = &c->config,
        .key = &w->key,
        .clock = c->clock,
        .rng = c->rng,
        .open_source = open_source,
        .open_target = open_target,
        .target_ctx = c,
        .author = cli_author(c),
    };
    return true;
}

void cli_wire_end(struct cli_wire *w)
{
    secret_key_done(&w->key);
}

bool cli_job(struct cli *c, const char *name, struct job *out, struct err *err)
{
    return cli_db_open(c, err) && job_load(c->db_handle, c->arena, str_from_z(name), out, err);
}
