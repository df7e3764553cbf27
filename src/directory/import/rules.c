#include "directory/import/work.h"

const struct import_rule *import_rule_for(const struct import_options *o, struct str column)
{
    for (size_t i = o->rule_count; i-- > 0;) {
        if (str_eq(o->rules[i].column, column))
            return &o->rules[i];
    }
    for (size_t i = o->rule_count; i-- > 0;) {
        if (str_eq_ascii_nocase(o->rules[i].column, column))
            return &o->rules[i];
    }
    return NULL;
}

static bool fail_unmapped(enum source_kind kind, struct str column, struct err *err)
{
    const struct source_attribute *near = source_attribute_nearest(kind, column);
    struct str shown = str_sub(column, 0, 60);

    return err_set(err, ERR_INVALID, "unmappedColumn",
                   "the column '%.*s' is not an attribute of a %s%s%.*s%s: say what it means with "
                   "--map '%.*s=%.*s', or leave it out with --ignore '%.*s'",
                   STR_ARG(shown), kind == SOURCE_USER ? "user" : "group",
                   near ? " (the nearest is '" : "", STR_ARG(near ? near->name : STR("")),
                   near ? "')" : "", STR_ARG(shown), STR_ARG(near ? near->name : STR("ATTRIBUTE")),
                   STR_ARG(shown));
}

bool import_bind(const struct import_work *w, enum source_kind kind, struct str column,
                 struct directory_attribute *out, bool *out_ignored, struct err *err)
{
    const struct import_rule *rule = import_rule_for(w->o, column);

    *out_ignored = rule && rule->attribute.len == 0;
    if (*out_ignored)
        return true;
    if (rule) {
        return directory_attribute_named(kind, rule->attribute, out, err) ||
               err_wrap(err, "what the column '%.*s' is mapped to",
                        STR_ARG(str_sub(column, 0, 60)));
    }
    if (directory_attribute_named(kind, column, out, err))
        return true;
    return str_eq_z(str_from_z(err->code), "unknownAttribute") ? fail_unmapped(kind, column, err)
                                                               : false;
}

bool import_rules_parse(const char *name, struct str text, struct arena *a,
                        struct import_rule **out, size_t *out_count, struct err *err)
{
    struct import_rule *rules;
    struct str rest = text;
    struct str line;
    size_t lines = 1;
    size_t count = 0;
    bool more = true;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    rules = ARENA_ARRAY(a, struct import_rule, lines);
    for (size_t no = 1; more; no++) {
        size_t sign;

        more = str_cut(&rest, '\n', &line);
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        /* The last sign: a column may have one in its name, an attribute has none. */
        if (!str_find_last_char(line, '=', &sign) || str_trim(str_sub(line, 0, sign)).len == 0) {
            (void)err_set(err, ERR_INVALID, "badMappingFile",
                          "expected COLUMN = ATTRIBUTE, or COLUMN = for one to ignore");
            return err_at(err, "%s:%zu:1", name, no);
        }
        rules[count++] = (struct import_rule){
            .column = arena_str(a, str_trim(str_sub(line, 0, sign))),
            .attribute = arena_str(a, str_trim(str_from(line, sign + 1))),
        };
    }
    *out = rules;
    *out_count = count;
    return true;
}

struct str import_rules_write(const struct import_rule *rules, size_t count, struct arena *a)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, (size_t)1 << 20);
    buf_add_z(&text, "# What the columns of the files mean that `usher import` reads:\n"
                     "# COLUMN = ATTRIBUTE, or COLUMN = for one that is ignored.\n");
    for (size_t i = 0; i < count; i++) {
        bool later = false;

        for (size_t k = i + 1; k < count && !later; k++)
            later = str_eq(rules[k].column, rules[i].column);
        if (!later) {
            buf_addf(&text, "%.*s =%s%.*s\n", STR_ARG(rules[i].column),
                     rules[i].attribute.len ? " " : "", STR_ARG(rules[i].attribute));
        }
    }
    return arena_str(a, buf_str(&text));
}
