/* The frame of the command line: global options, one table of commands, options as tables, output
 * as text or JSON, errors with exit codes (0 done, 1 failed, 2 usage). Each command is one file of
 * this folder. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/secret.h"
#include "db/db.h"

#include <stdio.h>

#define CLI_DATA_DEFAULT "./usher-data"

struct cli {
    const char *program;  /* as it was called: what to paste begins with it */
    const char *data_dir; /* --data, default CLI_DATA_DEFAULT */
    const char *database; /* --database, default "sqlite:DATA/usher.db" */
    bool database_given;  /* it is not the default */
    bool json;            /* --json */
    bool quiet;
    const char *config_path;     /* --config */
    const char *system_config;   /* the file of last resort; NULL: none */
    const struct cli_file *file; /* the configuration file; NULL: none */
    FILE *out;                   /* results */
    FILE *err;                   /* errors and progress */
    bool out_is_terminal, err_is_terminal;
    unsigned width;      /* columns of the terminal, 80 if unknown */
    struct arena *arena; /* lives as long as the command */
    const struct clock *clock;
    struct rng *rng;
    struct db_config config;
    struct db *db_handle;              /* cli_db_open */
    const char *record_dir;            /* --record; NULL: nothing is recorded */
    const struct cli_command *command; /* the one that runs; NULL before it is known */
};

/* Of every command that talks to an application. */
#define CLI_RECORD_OPTION                                                                    \
    {                                                                                        \
        "--record", "DIR", "keep every exchange with the application there, without secrets" \
    }

struct cli_args;

struct cli_option {
    const char *name;  /* "--map" */
    const char *value; /* "COLUMN=ATTRIBUTE"; NULL: a flag without value */
    const char *help;  /* one line */
};

struct cli_command {
    const char *name;    /* "import"; with a sub-command: "user add" */
    const char *usage;   /* "FILE [--map COLUMN=ATTRIBUTE ...] [--dry-run]" */
    const char *summary; /* one line for the list of commands */
    const char
        *help; /* the text of --help below usage: what it does, an example that works when pasted */
    const struct cli_option *options;
    size_t option_count;
    bool makes_data; /* may begin a new data directory; the others refuse one that is not there */
    bool is_service; /* logs what happens; other commands log errors only */
    int min_args, max_args; /* positional arguments; -1: any number */
    /* Arguments are parsed already. Returns the exit code. */
    int (*run)(struct cli *c, const struct cli_args *args);
};

/* Positional argument i, or "" when absent. */
const char *cli_arg(const struct cli_args *args, int i);
int cli_arg_count(const struct cli_args *args);
bool cli_flag(const struct cli_args *args, const char *option);
const char *cli_value(const struct cli_args *args,
                      const char *option); /* the last one; NULL if not given */
/* i-th value of an option that may be repeated, NULL after the last. */
const char *cli_value_at(const struct cli_args *args, const char *option, size_t i);
/* The option as a number; *value stays when it is not given. ERR_INVALID "usage" with the range. */
MUST_USE bool cli_value_int(const struct cli_args *args, const char *option, int64_t min,
                            int64_t max, int64_t *value, struct err *err);
/* The option, else its variable of the environment ("--tls-cert": USHER_TLS_CERT), else its key in
 * the configuration file ("tls-cert"), else NULL. For what configures a service; a command's own
 * options are not taken from the environment. */
const char *cli_setting(const struct cli_args *args, const char *option);

/* Each file of commands defines one of these tables, listed in cli/commands.list. */
struct cli_commands {
    const struct cli_command *commands;
    size_t count;
};

/* The database, opened and migrated at first use: afterwards c->db_handle is there. When there is
 * none, commands with makes_data make it, others fail with ERR_NOT_FOUND "noData". */
MUST_USE bool cli_db_open(struct cli *c, struct err *err);
/* The key of secrets at rest, DATA/secret.key. */
MUST_USE bool cli_secret_key(struct cli *c, struct secret_key *out, struct err *err);

/* Reports an error (text, or JSON {code,message,place} with --json) on c->err and returns the exit
 * code: 2 for the code "usage", else 1. */
int cli_fail(struct cli *c, const struct err *err);
/* A message whose commands ('usher start demo') name the data directory that was given, so that
 * they can be pasted. */
struct str cli_hinted(struct cli *c, struct str text);
int cli_usage(struct cli *c, const char *format, ...) PRINTF_LIKE(2, 3); /* exit code 2 */
void cli_print_json(struct cli *c, const struct json *v); /* pretty, one document, newline */
/* A line on out, unless --json or --quiet. Nothing in it but line feeds moves a terminal's cursor
 * or colours it: names come from applications, too. */
void cli_say(struct cli *c, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same of one line, for what writes on out itself. In a. */
struct str cli_one_line(struct arena *a, struct str s);

/* A table that fits the terminal: columns are cut with an ellipsis, widths follow the content. */
struct cli_table;
struct cli_table *cli_table_new(struct cli *c, const char *const *headers, size_t columns);
void cli_table_row(struct cli_table *t, const struct str *cells);
void cli_table_print(struct cli_table *t);

/* A progress line on standard error with rate and time left, shown when something takes over a
 * second and err is a terminal; otherwise silent. total 0: unknown. Call as often as you like. */
struct cli_progress {
    struct cli *cli;
    const char *what; /* "import", "people" */
    int64_t began_us, shown_us;
    bool visible;
};
void cli_progress_begin(struct cli_progress *p, struct cli *c, const char *what);
void cli_progress_step(struct cli_progress *p, int64_t done, int64_t total);
void cli_progress_end(struct cli_progress *p);

/* Words for people: "12,345"; "41 ms", "3.2 s", "5 min", "2 days"; a bar of width cells. */
void cli_count_text(int64_t n, char *out, size_t size);
void cli_duration_text(int64_t us, char *out, size_t size);
void cli_left_text(int64_t us, char *out, size_t size); /* an estimate: whole seconds */
void cli_bar(struct buf *out, int64_t done, int64_t total, unsigned width);

/* Runs a whole command line; main() is `return cli_main(argc, argv);`. */
int cli_main(int argc, char **argv);
/* The same inside a program: the caller gives out, err, clock and rng, may set data_dir, database
 * and width, and owns c; what the run opened is closed when it returns. argv[0] is the program's
 * name. */
int cli_run(struct cli *c, int argc, char **argv);
