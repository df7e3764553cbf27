#include "cli/config_file.h"

#include "base/env.h"
#include "base/file.h"
#include "base/unicode.h"
#include "cli/nearest.h"
#include "cli/options.h"
#include "cli/service.h"

#include <string.h>
#include <yaml.h>

enum { FILE_MAX = 64 * 1024 };

/* --- What can be set --- */

/* What can be set without being an option of a command. */
struct own_setting {
    struct cli_option option;
    int64_t min, max; /* of a number; max 0: a text */
};
static const struct own_setting own_settings[] = {
    {.option = {"--timeout", "SECONDS",
                "how long an application may take for an answer (default 60)"},
     .min = 1,
     .max = CLI_TIMEOUT_MAX_S},
    {.option = {"--smtp-password", "PASSWORD", "of smtp-user on the mail server for notices"}},
    {.option = {"--ca-file", "FILE", "PEM of authorities to trust beside the system's"}},
    {.option = {"--database-schema", "NAME", "PostgreSQL: the schema to work in"}},
};

/* Global options that ask for something at once are not settings. */
static bool is_setting(const char *option)
{
    return strcmp(option, "--help") != 0 && strcmp(option, "--version") != 0 &&
           strcmp(option, "--config") != 0;
}

void cli_setting_each(void (*fn)(void *ctx, const struct cli_option *option), void *ctx)
{
    for (size_t i = 0; i < cli_global_option_count; i++) {
        if (is_setting(cli_global_options[i].name))
            fn(ctx, &cli_global_options[i]);
    }
    for (size_t i = 0; i < service_setting_count; i++)
        fn(ctx, &service_settings[i]);
    for (size_t i = 0; i < ARRAY_LEN(own_settings); i++)
        fn(ctx, &own_settings[i].option);
}

struct search {
    struct str key;
    const struct cli_option *found;
    struct cli_nearest nearest;
};

static void match(void *ctx, const struct cli_option *option)
{
    struct search *s = ctx;

    if (str_eq_z(s->key, option->name + 2))
        s->found = option;
    cli_nearest_try(&s->nearest, option->name + 2);
}

void cli_variable_name(const char *option, char out[CLI_VARIABLE_MAX])
{
    snprintf(out, CLI_VARIABLE_MAX, "USHER_%s", option + 2);
    for (char *p = out; *p; p++)
        *p = (char)(*p == '-' ? '_' : ascii_upper(*p));
}

/* --- Reading --- */

struct reading {
    struct arena *arena;
    const char *path;
    struct str text;
    yaml_parser_t parser;
    struct cli_file file;
};

/* Marks count from 0. */
static bool fail_at(const struct reading *r, yaml_mark_t mark, struct err *err)
{
    return err_at(err, "%s:%zu:%zu", r->path, mark.line + 1, mark.column + 1);
}

static bool fail_syntax(const struct reading *r, struct err *err)
{
    const yaml_parser_t *p = &r->parser;

    err_fill(err, ERR_INVALID, "usage", "this is no YAML: %s%s%s",
             p->problem ? p->problem : "it cannot be read", p->context ? ", " : "",
             p->context ? p->context : "");
    if (p->error == YAML_READER_ERROR) { /* before there are lines: a byte that may not be there */
        size_t line, column;

        json_line_column(r->text, p->problem_offset, &line, &column);
        return err_at(err, "%s:%zu:%zu", r->path, line, column);
    }
    return fail_at(r, p->problem_mark, err);
}

static struct str scalar(const yaml_node_t *node)
{
    return (struct str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

/* An empty value is a setting that is not set. */
static bool is_null(const yaml_node_t *node)
{
    struct str text = scalar(node);

    return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text.len == 0 || str_eq_z(text, "~") || str_eq_z(text, "null"));
}

static bool find_key(const struct reading *r, const yaml_node_t *node,
                     const struct cli_option **out, struct err *err)
{
    struct search s;

    if (node->type != YAML_SCALAR_NODE) {
        err_fill(err, ERR_INVALID, "usage", "a key is the name of a setting, such as listen");
        return fail_at(r, node->start_mark, err);
    }
    s = (struct search){.key = scalar(node)};
    cli_nearest_init(&s.nearest, s.key);
    cli_setting_each(match, &s);
    *out = s.found;
    if (s.found)
        return true;
    err_fill(err, ERR_INVALID, "usage", "there is no setting '%.*s'%s%s%s", STR_ARG(s.key),
             s.nearest.best ? "; did you mean " : "", s.nearest.best ? s.nearest.best : "",
             s.nearest.best ? "?" : "");
    return fail_at(r, node->start_mark, err);
}

static bool check_value(const struct cli_option *option, struct str text, struct err *err)
{
    const char *key = option->name + 2;
    int64_t n;

    if (!option->value && !str_eq_z(text, "true") && !str_eq_z(text, "false")) {
        return err_set(err, ERR_INVALID, "usage", "%s takes true or false, not '%.*s'", key,
                       STR_ARG(text));
    }
    if (memchr(text.ptr, '\0', text.len))
        return err_set(err, ERR_INVALID, "usage", "%s holds a NUL", key);
    for (size_t i = 0; i < ARRAY_LEN(own_settings); i++) {
        const struct own_setting *own = &own_settings[i];

        if (&own->option == option && own->max && !str_to_int(text, own->min, own->max, &n)) {
            return err_set(err, ERR_INVALID, "usage",
                           "%s takes a number from %lld to %lld, not '%.*s'", key,
                           (long long)own->min, (long long)own->max, STR_ARG(text));
        }
    }
    return true;
}

static bool read_pair(struct reading *r, const yaml_node_t *key, const yaml_node_t *value,
                      struct err *err)
{
    const struct cli_option *option;
    struct str text;

    if (!find_key(r, key, &option, err))
        return false;
    for (size_t i = 0; i < r->file.count; i++) {
        if (strcmp(r->file.settings[i].name, option->name) == 0) {
            err_fill(err, ERR_INVALID, "usage", "%s stands here twice", option->name + 2);
            return fail_at(r, key->start_mark, err);
        }
    }
    if (value->type != YAML_SCALAR_NODE) {
        err_fill(err, ERR_INVALID, "usage", "%s takes %s, not a %s", option->name + 2,
                 option->value ? "a text" : "true or false",
                 value->type == YAML_SEQUENCE_NODE ? "list" : "mapping");
        return fail_at(r, value->start_mark, err);
    }
    text = scalar(value);
    if (!is_null(value) && !check_value(option, text, err))
        return fail_at(r, value->start_mark, err);
    r->file.settings[r->file.count++] = (struct cli_given){
        .name = option->name,
        .value = is_null(value) ? NULL : arena_z(r->arena, text),
    };
    return true;
}

static bool read_document(struct reading *r, yaml_document_t *document, struct err *err)
{
    yaml_node_t *root = yaml_document_get_root_node(document);

    if (!root || (root->type == YAML_SCALAR_NODE && is_null(root))) /* a file of comments */
        return true;
    if (root->type != YAML_MAPPING_NODE) {
        err_fill(err, ERR_INVALID, "usage",
                 "a configuration file has lines such as 'listen: "
                 "127.0.0.1:8080'");
        return fail_at(r, root->start_mark, err);
    }
    r->file.settings =
        ARENA_ARRAY(r->arena, struct cli_given,
                    (size_t)(root->data.mapping.pairs.top - root->data.mapping.pairs.start) + 1);
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top;
         p++) {
        if (!read_pair(r, yaml_document_get_node(document, p->key),
                       yaml_document_get_node(document, p->value), err))
            return false;
    }
    return true;
}

/* The one document, and nothing behind it. */
static bool read_stream(struct reading *r, struct err *err)
{
    yaml_document_t document;
    bool ok;

    if (!yaml_parser_load(&r->parser, &document))
        return fail_syntax(r, err);
    ok = read_document(r, &document, err);
    yaml_document_delete(&document);
    if (!ok)
        return false;
    if (!yaml_parser_load(&r->parser, &document))
        return fail_syntax(r, err);
    if (yaml_document_get_root_node(&document)) {
        ok = err_set(err, ERR_INVALID, "usage", "a configuration file is one YAML document");
        fail_at(r, document.start_mark, err);
    }
    yaml_document_delete(&document);
    return ok;
}

bool cli_file_parse(struct arena *a, const char *path, struct str text, struct cli_file *out,
                    struct err *err)
{
    struct reading r = {.arena = a, .path = path, .text = text, .file = {.path = path}};
    bool ok;

    if (!yaml_parser_initialize(&r.parser))
        return err_set(err, ERR_LIMIT, "outOfMemory", "there is no memory for the YAML parser");
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.ptr, text.len);
    ok = read_stream(&r, err);
    yaml_parser_delete(&r.parser);
    if (ok)
        *out = r.file;
    return ok;
}

/* --- Which file, and what it says --- */

static bool read_file(struct cli *c, const char *path, struct err *err)
{
    struct cli_file *file = ARENA_NEW(c->arena, struct cli_file);
    struct str text;

    if (!file_read(c->arena, path, FILE_MAX, &text, err))
        return err_wrap(err, "configuration file");
    if (!cli_file_parse(c->arena, path, text, file, err))
        return false;
    c->file = file;
    return true;
}

/* A file that need not be there. */
static bool read_if_present(struct cli *c, const char *path, struct err *err)
{
    struct err why = {.kind = ERR_NONE};

    if (read_file(c, path, &why) || why.kind == ERR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

bool cli_file_load(struct cli *c, struct err *err)
{
    const char *named = c->config_path ? c->config_path : cli_file_value(NULL, "--config");
    const char *data = c->data_dir ? c->data_dir : CLI_DATA_DEFAULT;

    if (named)
        return read_file(c, named, err);
    if (!read_if_present(c, arena_printf(c->arena, "%s/usher.yaml", data).ptr, err))
        return false;
    if (!c->file && c->system_config)
        return read_if_present(c, c->system_config, err);
    for (size_t i = 0; c->file && i < c->file->count; i++) {
        if (strcmp(c->file->settings[i].name, "--data") == 0 && c->file->settings[i].value) {
            return err_set(err, ERR_INVALID, "usage",
                           "%s is found in the data directory: 'data' cannot name another there",
                           c->file->path);
        }
    }
    return true;
}

const char *cli_file_value(const struct cli_file *file, const char *option)
{
    char name[CLI_VARIABLE_MAX];
    const char *value;

    cli_variable_name(option, name);
    value = env_get(name);
    if (value)
        return value;
    for (size_t i = 0; file && i < file->count; i++) {
        if (strcmp(file->settings[i].name, option) == 0)
            return file->settings[i].value;
    }
    return NULL;
}
