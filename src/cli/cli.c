#include "cli/cli.h"

#include "base/env.h"
#include "base/file.h"
#include "base/log.h"
#include "base/unicode.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/help.h"
#include "cli/options.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 40 };

/* The data directory is there, or is made for a command that may. */
static bool make_data_dir(struct cli *c, struct err *err)
{
    if (c->command && c->command->makes_data) {
        if (dir_make(c->data_dir, 0700, err))
            return true;
    } else if (access(c->data_dir, F_OK) == 0) {
        return true;
    } else {
        return err_set(err, ERR_NOT_FOUND, "noData",
                       "there is no data directory '%s'; 'usher demo' or 'usher import' makes one, "
                       "--data names another",
                       c->data_dir);
    }
    return err_wrap(err, "data directory '%s' (choose another with --data)", c->data_dir);
}

/* A typing error in --data must not leave a database behind, nor a look as root one that the
 * service cannot open: only commands that bring something in make a new one. A server's database
 * is another matter: it is there, or connecting fails. */
static bool data_is_there(struct cli *c, struct err *err)
{
    static const char sqlite[] = "sqlite:";
    const char *path = c->config.url + strlen(sqlite);
    int number;

    if (c->command && c->command->makes_data)
        return make_data_dir(c, err);
    if (strncmp(c->config.url, sqlite, strlen(sqlite)) != 0 || access(path, F_OK) == 0)
        return true;
    number = errno;
    if (!c->database_given && !make_data_dir(c, err))
        return false;
    if (number != ENOENT)
        return err_set(err, ERR_UNAVAILABLE, "noData", "%s: %s", path, strerrordesc_np(number));
    return err_set(err, ERR_NOT_FOUND, "noData",
                   "there is no database '%s' yet; 'usher demo' or 'usher import' makes one, %s "
                   "names another",
                   path, c->database_given ? "--database" : "--data");
}

bool cli_db_open(struct cli *c, struct err *err)
{
    CLEANUP(db_closep) struct db *db = NULL;

    if (c->db_handle)
        return true;
    if (!data_is_there(c, err) || !db_open(&c->config, &db, err))
        return false;
    if (!db_migrate(db, err)) {
        /* Which file it is; a URL may hold a password. */
        if (strncmp(c->config.url, "sqlite:", 7) == 0)
            return err_at(err, "%s", c->config.url + 7);
        return false;
    }
    c->db_handle = TAKE(db);
    return true;
}

bool cli_secret_key(struct cli *c, struct secret_key *out, struct err *err)
{
    struct str path = arena_printf(c->arena, "%s/secret.key", c->data_dir);

    return make_data_dir(c, err) && secret_key_load(path.ptr, out, err);
}

void cli_print_json(struct cli *c, const struct json *v)
{
    struct buf out;

    buf_init(&out, (size_t)1 << 30);
    json_write_pretty(&out, v);
    fprintf(c->out, "%s\n", buf_z(&out));
    buf_done(&out);
}

void cli_say(struct cli *c, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int len;

    if (c->json || c->quiet)
        return;
    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    assert(len >= 0); /* it fails for want of memory only */
    utf8_blank_controls(text, (size_t)len, '\n');
    struct str hinted = cli_hinted(c, (struct str){text, (size_t)len});
    fprintf(c->out, "%.*s\n", STR_ARG(hinted));
    free(text);
}

struct str cli_one_line(struct arena *a, struct str s)
{
    char *copy = arena_z(a, s);

    utf8_blank_controls(copy, s.len, '\0');
    return (struct str){copy, s.len};
}

const char *cli_setting(const struct cli_args *args, const char *option)
{
    const char *value = cli_value(args, option);

    return value ? value : cli_file_value(args->file, option);
}

static bool is_on(const struct cli_file *file, const char *flag)
{
    const char *value = cli_file_value(file, flag);

    return value && strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
}

/* What flags leave open, from the environment and the file; file NULL: before it is read. */
static void take_settings(struct cli *c, const struct cli_file *file)
{
    if (!c->data_dir)
        c->data_dir = cli_file_value(file, "--data");
    if (!c->database)
        c->database = cli_file_value(file, "--database");
    if (!c->config.schema)
        c->config.schema = cli_file_value(file, "--database-schema");
    c->json = c->json || is_on(file, "--json");
    c->quiet = c->quiet || is_on(file, "--quiet");
}

static bool settle(struct cli *c, struct err *err)
{
    if (!cli_file_load(c, err))
        return false;
    take_settings(c, c->file);
    if (!c->data_dir)
        c->data_dir = CLI_DATA_DEFAULT;
    c->database_given = c->database != NULL;
    if (!c->database)
        c->database = arena_printf(c->arena, "sqlite:%s/usher.db", c->data_dir).ptr;
    c->config.url = c->database;
    return true;
}

/* Global options in front of the command. *out_done: everything asked for is printed. */
static bool leading_options(struct cli *c, struct cli_line *line, bool *out_done, struct err *err)
{
    *out_done = false;
    while (line->at < line->argc && line->argv[line->at][0] == '-') {
        const char *text = line->argv[line->at];
        struct cli_given given = {0};
        bool known;

        if (!cli_option_take(cli_global_options, cli_global_option_count, line, &given, &known,
                             err)) {
            return false;
        }
        if (!known) {
            return err_set(
                err, ERR_INVALID, "usage",
                "there is no global option %s; options of a command stand after its name", text);
        }
        if (strcmp(given.name, "--version") == 0) {
            fprintf(c->out, "usher %s\n", USHER_VERSION);
            *out_done = true;
            return true;
        }
        if (strcmp(given.name, "--help") == 0) {
            /* "usher --help COMMAND" is "usher help COMMAND". */
            *out_done = true;
            cli_help(c, line->argc - line->at, line->argv + line->at);
            return true;
        }
        if (!cli_global_apply(c, &given, err)) {
            return false;
        }
    }
    return true;
}

static bool wants_help(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

static bool has_option(const struct cli_command *command, const char *name)
{
    for (size_t i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].name, name) == 0)
            return true;
    }
    return false;
}

/* A shell takes it as it is. */
static bool is_plain(const char *text)
{
    for (; *text; text++) {
        if (!ascii_is_alpha(*text) && !ascii_is_digit(*text) && !strchr("/._-", *text))
            return false;
    }
    return true;
}

/* What is pasted has to find the same data directory. */
static const char *to_paste(struct cli *c)
{
    if (strcmp(c->data_dir, CLI_DATA_DEFAULT) == 0 || env_get("USHER_DATA"))
        return c->program;
    const char *quote = is_plain(c->data_dir) ? "" : "'";

    return arena_printf(c->arena, "%s --data %s%s%s", c->program, quote, c->data_dir, quote).ptr;
}

static bool count_fits(const struct cli_command *command, const struct cli_args *args,
                       struct err *err)
{
    if (args->word_count < command->min_args) {
        return err_set(err, ERR_INVALID, "usage", "something is missing: usher %s %s",
                       command->name, command->usage);
    }
    if (command->max_args >= 0 && args->word_count > command->max_args) {
        const char *extra = args->words[command->max_args];

        if (strchr(extra, '=') && has_option(command, "--setting")) {
            return err_set(err, ERR_INVALID, "usage",
                           "'%s' has no place here: a setting is changed with --setting %s", extra,
                           extra);
        }
        return err_set(err, ERR_INVALID, "usage", "'%s' is too much: usher %s %s", extra,
                       command->name, command->usage);
    }
    return true;
}

static int run_command(struct cli *c, int argc, char **argv)
{
    struct err err = {.kind = ERR_NONE};
    struct cli_args args;
    bool help;
    int words;

    if (wants_help(argc, argv) && cli_command_is_group(str_from_z(argv[0])))
        return cli_help(c, 1, argv);
    if (!cli_command_find(argc, argv, &c->command, &words, &err) ||
        !cli_args_parse(c, c->command, argc - words, argv + words, &args, &help, &err))
        return cli_fail(c, &err);
    if (help) {
        cli_help_command(c, c->command);
        return 0;
    }
    if (!count_fits(c->command, &args, &err) || !settle(c, &err))
        return cli_fail(c, &err);
    args.file = c->file;
    c->record_dir = cli_value(&args, "--record");
    c->program = to_paste(c);
    /* What a command has to say it says in words; log lines would stand between them. */
    log_set_level(c->command->is_service ? LOG_INFO : LOG_ERROR);
    return c->command->run(c, &args);
}

/* What could not be written is a failure, except to a reader that has seen enough (`| head`). */
static int check_output(struct cli *c, int code)
{
    struct err err = {.kind = ERR_NONE};

    errno = 0;
    if (fflush(c->out) == 0 && !ferror(c->out))
        return code;
    if (errno == EPIPE)
        return code;
    err_fill(&err, ERR_UNAVAILABLE, "outputFailed", "the output could not be written: %s",
             errno ? strerrordesc_np(errno) : "error of the stream");
    return cli_fail(c, &err);
}

int cli_run(struct cli *c, int argc, char **argv)
{
    struct err err = {.kind = ERR_NONE};
    bool done;
    struct cli_line line = {.argc = argc, .argv = argv, .at = 1};
    int code;

    c->arena = arena_new();
    c->program = argc > 0 ? argv[0] : "usher";
    if (!c->width)
        c->width = WIDTH_DEFAULT;
    take_settings(c, NULL);
    /* Errors of the command line itself are JSON, too, when that is asked for anywhere on it. */
    for (int k = 1; k < argc && strcmp(argv[k], "--") != 0; k++)
        c->json = c->json || strcmp(argv[k], "--json") == 0;
    if (!leading_options(c, &line, &done, &err)) {
        code = cli_fail(c, &err);
    } else if (done) {
        code = 0;
    } else if (line.at >= argc) {
        code = cli_help(c, 0, NULL);
    } else {
        code = run_command(c, argc - line.at, argv + line.at);
    }
    code = check_output(c, code);
    db_close(c->db_handle);
    c->db_handle = NULL;
    arena_free(c->arena);
    c->arena = NULL;
    return code;
}

static unsigned terminal_width(void)
{
    const char *columns = env_get("COLUMNS");
    struct winsize size;
    int64_t n;

    if (columns && str_to_int(str_from_z(columns), WIDTH_MIN, 1000, &n))
        return (unsigned)n;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= WIDTH_MIN)
        return size.ws_col;
    return WIDTH_DEFAULT;
}

int cli_main(int argc, char **argv)
{
    struct cli c = {
        .out = stdout,
        .err = stderr,
        .out_is_terminal = isatty(STDOUT_FILENO) == 1,
        .err_is_terminal = isatty(STDERR_FILENO) == 1,
        .width = terminal_width(),
        .clock = clock_system(),
        .rng = rng_system(),
        .system_config = "/etc/usher.yaml",
    };

    /* A peer that hangs up is an error of one write, not the end of the program. */
    (void)signal(SIGPIPE, SIG_IGN);
    return cli_run(&c, argc, argv);
}
