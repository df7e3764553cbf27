/* Settings from a configuration file: a YAML mapping of flag names without their dashes to texts,
 * for what configures usher itself (the global options and those of `usher serve`). A flag comes
 * before the environment, and that before the file. */
#pragma once

#include "cli/cli.h"

enum { CLI_TIMEOUT_MAX_S = 3600 };

/* What a file says: options with their values, "true" or "false" where the option is a flag. */
struct cli_file {
    const char *path;
    struct cli_given *settings;
    size_t count;
};

/* Every setting that a file may hold, in the order of the manual. */
void cli_setting_each(void (*fn)(void *ctx, const struct cli_option *option), void *ctx);

/* "--tls-cert" is USHER_TLS_CERT in the environment. */
enum { CLI_VARIABLE_MAX = 64 };
void cli_variable_name(const char *option, char out[CLI_VARIABLE_MAX]);

/* Parses the text of a file; path is for messages. ERR_INVALID "usage" with the place
 * "path:line:column": no YAML, not a mapping, an unknown key (with the nearest known one), a key
 * twice, a value of the wrong type. Texts are in a. */
MUST_USE bool cli_file_parse(struct arena *a, const char *path, struct str text,
                             struct cli_file *out, struct err *err);

/* Reads the file of this run into c->file: --config, else USHER_CONFIG, else DATA/usher.yaml, else
 * c->system_config when they exist; none of them: c->file stays NULL. */
MUST_USE bool cli_file_load(struct cli *c, struct err *err);

/* The environment's, else the file's value of an option; NULL when neither sets it. file may be
 * NULL. */
const char *cli_file_value(const struct cli_file *file, const char *option);
