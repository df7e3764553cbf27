#include "cli/object.h"

#include "base/unicode.h"
#include "directory/check.h"
#include "directory/member.h"

#include <string.h>

enum { LIST_DEFAULT = 100, PAGE = 500, NAMES_SHOWN = 20 };

const struct cli_option cli_object_list_options[3] = {
    {"--limit", "N", "how many at most (default 100)"},
    {"--after", "ID", "go on after this one: lists are in the order of ids"},
    {"--deleted", NULL, "those in the recycle bin"},
};
const struct cli_option cli_object_remove_options[2] = {
    {"--permanently", NULL, "for good, not into the recycle bin"},
    {"--hard", NULL, "the same"},
};

static const char *kind_word(enum source_kind kind)
{
    return kind == SOURCE_USER ? "user" : "group";
}

bool cli_directory_begin(struct cli *c, struct directory_tx *tx, struct err *err)
{
    return cli_db_open(c, err) && directory_begin(c->db_handle, c->clock, c->rng, tx, err);
}

bool cli_object_find(struct cli *c, const char *who, unsigned kinds, struct directory_object *out,
                     struct err *err)
{
    struct str text = str_from_z(who);

    if (!utf8_valid(text, NULL))
        return err_set(err, ERR_INVALID, "badValue", "what is looked for is not valid UTF-8");
    return cli_db_open(c, err) && directory_find(c->db_handle, c->arena, text, kinds, out, err);
}

struct str cli_object_title(struct cli *c, const struct directory_object *o)
{
    struct str upn = directory_object_upn(o);
    struct str name = directory_object_name(o);

    if (upn.len == 0)
        return arena_printf(c->arena, "%s '%.*s'", kind_word(o->kind), STR_ARG(name));
    return arena_printf(c->arena, "%s '%.*s' (%.*s)", kind_word(o->kind), STR_ARG(name),
                        STR_ARG(upn));
}

/* --- Attributes from the command line --- */

static bool add_manager(struct cli *c, struct json *patch, struct str text, struct err *err)
{
    struct str id;
    bool found;

    if (text.len == 0) {
        json_add_null(c->arena, patch, "manager");
        return true;
    }
    if (!directory_resolve(c->db_handle, c->arena, text, DIRECTORY_USERS, &id, &found, err))
        return false;
    if (!found) {
        return err_set(err, ERR_NOT_FOUND, "unknownReference",
                       "the manager '%.*s' is not in the directory, by id, userPrincipalName or "
                       "employeeId",
                       STR_ARG(text));
    }
    json_add_str(c->arena, patch, "manager", id);
    return true;
}

static bool add_word(struct cli *c, enum source_kind kind, struct str word, struct json *patch,
                     struct err *err)
{
    struct directory_attribute at;
    struct json *value;
    size_t sign;

    if (!utf8_valid(word, NULL))
        return err_set(err, ERR_INVALID, "badValue", "an argument is not valid UTF-8");
    if (!str_find_char(word, '=', &sign)) {
        return err_set(err, ERR_INVALID, "usage", "expected ATTRIBUTE=VALUE, found '%.*s'",
                       STR_ARG(word));
    }
    if (!directory_attribute_named(kind, str_sub(word, 0, sign), &at, err))
        return false;
    if (at.is_id || at.is_members) {
        return err_set(err, ERR_INVALID, "badValue",
                       at.is_id ? "the id of an object cannot be changed"
                                : "members are changed by 'usher group add-member' and "
                                  "'remove-member'");
    }
    if (json_get(patch, at.name))
        return err_set(err, ERR_INVALID, "usage", "%.*s is given twice", STR_ARG(at.name));
    if (at.is_manager)
        return add_manager(c, patch, str_from(word, sign + 1), err);
    if (!directory_value_from_text(&at, str_from(word, sign + 1), c->arena, &value, err))
        return false;
    json_add(c->arena, patch, at.name, value);
    return true;
}

/* ATTRIBUTE=VALUE words from number `from` on as a patch; a manager is looked up. ERR_INVALID
 * "usage" for a word without '='. */
static bool read_patch(struct cli *c, enum source_kind kind, const struct cli_args *args, int from,
                       struct json **out, struct err *err)
{
    struct json *patch = json_new(c->arena, JSON_OBJECT);

    for (int i = from; i < cli_arg_count(args); i++) {
        if (!add_word(c, kind, str_from_z(cli_arg(args, i)), patch, err))
            return false;
    }
    *out = patch;
    return true;
}

/* --- list --- */

static struct str state_of(const struct directory_object *o)
{
    return o->deleted_us                 ? STR("deleted")
           : directory_object_enabled(o) ? STR("enabled")
                                         : STR("disabled");
}

static void print_users(struct cli *c, const struct directory_object *o, size_t count)
{
    static const char *const headers[] = {"USER PRINCIPAL NAME", "NAME", "DEPARTMENT", "STATE"};
    struct cli_table *t = cli_table_new(c, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < count; i++) {
        cli_table_row(
            t, (const struct str[]){directory_object_upn(&o[i]), directory_object_name(&o[i]),
                                    json_get_text(o[i].attributes, "department"), state_of(&o[i])});
    }
    cli_table_print(t);
}

static void print_groups(struct cli *c, const struct directory_object *o, size_t count)
{
    static const char *const headers[] = {"NAME", "DESCRIPTION", "ID"};
    struct cli_table *t = cli_table_new(c, headers, ARRAY_LEN(headers));

    for (size_t i = 0; i < count; i++) {
        cli_table_row(t,
                      (const struct str[]){directory_object_name(&o[i]),
                                           json_get_text(o[i].attributes, "description"), o[i].id});
    }
    cli_table_print(t);
}

static void print_list(struct cli *c, enum source_kind kind, const struct directory_object *o,
                       size_t count, bool more)
{
    if (c->json) {
        struct json *list = json_new(c->arena, JSON_ARRAY);

        for (size_t i = 0; i < count; i++)
            json_append(list, o[i].attributes);
        cli_print_json(c, list);
        return;
    }
    if (count == 0) {
        cli_say(c, "no %ss", kind_word(kind));
    } else if (kind == SOURCE_USER) {
        print_users(c, o, count);
    } else {
        print_groups(c, o, count);
    }
    if (more)
        cli_say(c, "there are more: --limit %zu --after %.*s", count, STR_ARG(o[count - 1].id));
}

int cli_object_list(struct cli *c, const struct cli_args *args, enum source_kind kind)
{
    enum directory_bin bin = cli_flag(args, "--deleted") ? DIRECTORY_DELETED : DIRECTORY_LIVE;
    struct err err = {.kind = ERR_NONE};
    struct str after = str_from_z(cli_value(args, "--after"));
    struct directory_object *objects;
    int64_t limit = LIST_DEFAULT;
    size_t count;

    if (!cli_value_int(args, "--limit", 1, 1000000, &limit, &err) || !cli_db_open(c, &err) ||
        !directory_list(c->db_handle, c->arena, kind, bin, after, (size_t)limit + 1, &objects,
                        &count, &err))
        return cli_fail(c, &err);
    print_list(c, kind, objects, count > (size_t)limit ? (size_t)limit : count,
               count > (size_t)limit);
    return 0;
}

/* --- show --- */

typedef bool list_ids(struct db *db, struct arena *a, struct str of, struct str after, size_t limit,
                      struct str **out_ids, size_t *out_count, struct err *err);

static bool list_members(struct db *db, struct arena *a, struct str of, struct str after,
                         size_t limit, struct str **out_ids, size_t *out_count, struct err *err)
{
    return directory_members(db, a, of, DIRECTORY_LIVE, after, limit, out_ids, out_count, err);
}

/* All ids that a list has, as a JSON array. */
static bool read_all_ids(struct cli *c, list_ids *list, struct str of, struct json **out,
                         struct err *err)
{
    struct json *all = json_new(c->arena, JSON_ARRAY);
    struct str after = STR("");
    struct str *ids;
    size_t count;

    do {
        if (!list(c->db_handle, c->arena, of, after, PAGE, &ids, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            json_append(all, json_string(c->arena, ids[i]));
        if (count)
            after = ids[count - 1];
    } while (count == PAGE);
    *out = all;
    return true;
}

static struct str value_text(struct cli *c, const struct json *v)
{
    struct buf text;
    struct str out;

    if (v->type == JSON_STRING)
        return v->text;
    if (v->type != JSON_ARRAY)
        return json_text(c->arena, v);
    buf_init(&text, (size_t)1 << 24);
    JSON_EACH(item, v)
    {
        buf_addf(&text, "%s%.*s", text.len ? "; " : "", STR_ARG(item->text));
    }
    out = arena_str(c->arena, buf_str(&text));
    buf_done(&text);
    return out;
}

/* The first names behind a list of ids, one a line. */
static bool say_names(struct cli *c, const char *title, const struct json *ids, struct err *err)
{
    struct str shown[NAMES_SHOWN];
    struct directory_object objects[NAMES_SHOWN];
    size_t n = 0;

    if (ids->count == 0)
        return true;
    JSON_EACH(id, ids)
    {
        if (n < NAMES_SHOWN)
            shown[n++] = id->text;
    }
    if (!directory_load_many(c->db_handle, c->arena, shown, n, objects, &n, err))
        return false;
    cli_say(c, "%s: %zu", title, ids->count);
    for (size_t i = 0; i < n; i++)
        cli_say(c, "  %.*s", STR_ARG(cli_object_title(c, &objects[i])));
    if (ids->count > n)
        cli_say(c, "  ... and %zu more", ids->count - n);
    return true;
}

/* Of a manager the name, not the id. */
static bool attribute_text(struct cli *c, const struct json *v, struct str *out, struct err *err)
{
    struct directory_object manager;
    bool found;

    *out = value_text(c, v);
    if (!str_eq(v->name, STR("manager")))
        return true;
    if (!directory_load(c->db_handle, c->arena, v->text, &manager, &found, err))
        return false;
    if (found) {
        *out = arena_printf(c->arena, "%.*s, %.*s", STR_ARG(directory_object_name(&manager)),
                            STR_ARG(directory_object_upn(&manager)));
    }
    return true;
}

static bool say_object(struct cli *c, const struct directory_object *o, const struct json *related,
                       struct err *err)
{
    JSON_EACH(v, o->attributes)
    {
        struct str text;

        if (!attribute_text(c, v, &text, err))
            return false;
        cli_say(c, "%-28.*s %.*s", STR_ARG(v->name), STR_ARG(text));
    }
    if (o->deleted_us) {
        cli_say(c, "in the recycle bin: 'usher %s restore %.*s' brings it back", kind_word(o->kind),
                STR_ARG(o->id));
    }
    return say_names(c, o->kind == SOURCE_USER ? "member of" : "members", related, err);
}

int cli_object_show(struct cli *c, const struct cli_args *args, enum source_kind kind)
{
    struct err err = {.kind = ERR_NONE};
    struct directory_object o;
    struct json *related;

    if (!cli_object_find(c, cli_arg(args, 0), 1u << kind, &o, &err) ||
        !read_all_ids(c, kind == SOURCE_USER ? directory_groups_of : list_members, o.id, &related,
                      &err))
        return cli_fail(c, &err);
    if (c->json) {
        json_set(c->arena, o.attributes, kind == SOURCE_USER ? STR("memberOf") : STR("members"),
                 related);
        cli_print_json(c, o.attributes);
        return 0;
    }
    return say_object(c, &o, related, &err) ? 0 : cli_fail(c, &err);
}

/* --- add, set --- */

/* The result of a change: the object as it is now. */
static int print_changed(struct cli *c, struct str id, const char *what)
{
    struct err err = {.kind = ERR_NONE};
    struct directory_object o;
    bool found;

    if (!directory_load(c->db_handle, c->arena, id, &o, &found, &err))
        return cli_fail(c, &err);
    if (c->json && found) {
        cli_print_json(c, o.attributes);
    } else if (found) {
        cli_say(c, "%s %.*s", what, STR_ARG(cli_object_title(c, &o)));
    }
    return 0;
}

/* The first word may be the name alone: of a user the userPrincipalName, of a group the display
 * name. A user without a display name is called by the name of the account. */
static bool add_patch(struct cli *c, const struct cli_args *args, enum source_kind kind,
                      struct json **out, struct err *err)
{
    struct str first = str_from_z(cli_arg(args, 0));
    struct str given, surname;
    size_t at;
    bool bare = !str_find_char(first, '=', &at);
    struct str word =
        arena_printf(c->arena, "%s=%.*s", kind == SOURCE_USER ? "userPrincipalName" : "displayName",
                     STR_ARG(first));

    if (!read_patch(c, kind, args, bare ? 1 : 0, out, err) ||
        (bare && !add_word(c, kind, word, *out, err)))
        return false;
    if (kind == SOURCE_GROUP || json_get(*out, STR("displayName")))
        return true;
    given = json_get_text(*out, "givenName");
    surname = json_get_text(*out, "surname");
    first = json_get_text(*out, "userPrincipalName");
    if (given.len || surname.len) {
        first = str_trim(arena_printf(c->arena, "%.*s %.*s", STR_ARG(given), STR_ARG(surname)));
    } else if (str_find_last_char(first, '@', &at)) {
        first = str_sub(first, 0, at);
    }
    json_add_str(c->arena, *out, "displayName", first);
    return true;
}

int cli_object_add(struct cli *c, const struct cli_args *args, enum source_kind kind)
{
    struct err err = {.kind = ERR_NONE};
    struct directory_tx tx;
    struct json *patch;
    struct str id;

    if (!cli_db_open(c, &err) || !add_patch(c, args, kind, &patch, &err) ||
        !cli_directory_begin(c, &tx, &err))
        return cli_fail(c, &err);
    if (!directory_insert(&tx, c->arena, kind, STR(""), patch, &id, &err) ||
        !cli_object_note(c, NULL, id, &err)) {
        directory_rollback(&tx);
        return cli_fail(c, &err);
    }
    if (!directory_commit(&tx, &err))
        return cli_fail(c, &err);
    return print_changed(c, id, "added");
}

/* Does one thing to one object in a transaction. */
typedef bool change_object(struct cli *c, struct directory_tx *tx, const struct directory_object *o,
                           const struct json *patch, bool *out_changed, struct err *err);

static bool change(struct cli *c, const struct directory_object *o, const struct json *patch,
                   change_object *fn, bool *out_changed, struct err *err)
{
    struct directory_tx tx;

    if (!cli_directory_begin(c, &tx, err))
        return false;
    if (fn(c, &tx, o, patch, out_changed, err) &&
        (!*out_changed || cli_object_note(c, o, o->id, err)))
        return directory_commit(&tx, err);
    directory_rollback(&tx);
    return false;
}

static bool set_attributes(struct cli *c, struct directory_tx *tx, const struct directory_object *o,
                           const struct json *patch, bool *out_changed, struct err *err)
{
    return directory_update(tx, c->arena, o, patch, out_changed, err);
}

int cli_object_set(struct cli *c, const struct cli_args *args, enum source_kind kind)
{
    struct err err = {.kind = ERR_NONE};
    struct directory_object o;
    struct json *patch;
    bool changed;

    if (!cli_object_find(c, cli_arg(args, 0), 1u << kind, &o, &err) ||
        !read_patch(c, kind, args, 1, &patch, &err) ||
        !change(c, &o, patch, set_attributes, &changed, &err))
        return cli_fail(c, &err);
    return print_changed(c, o.id, changed ? "changed" : "nothing to change for");
}

/* --- remove, restore --- */

static bool soft_delete(struct cli *c, struct directory_tx *tx, const struct directory_object *o,
                        const struct json *patch, bool *out_changed, struct err *err)
{
    (void)patch;
    return directory_soft_delete(tx, c->arena, o, out_changed, err);
}

static bool hard_delete(struct cli *c, struct directory_tx *tx, const struct directory_object *o,
                        const struct json *patch, bool *out_changed, struct err *err)
{
    (void)patch;
    *out_changed = true;
    return directory_remove(tx, c->arena, o, err);
}

static bool restore(struct cli *c, struct directory_tx *tx, const struct directory_object *o,
                    const struct json *patch, bool *out_changed, struct err *err)
{
    (void)patch;
    return directory_restore(tx, c->arena, o, out_changed, err);
}

int cli_object_remove(struct cli *c, const struct cli_args *args, enum source_kind kind)
{
    bool hard = cli_flag(args, "--permanently") || cli_flag(args, "--hard");
    struct err err = {.kind = ERR_NONE};
    struct directory_object o;
    bool changed;

    if (!cli_object_find(c, cli_arg(args, 0), 1u << kind, &o, &err) ||
        !change(c, &o, NULL, hard ? hard_delete : soft_delete, &changed, &err))
        return cli_fail(c, &err);
    if (!hard) {
        return print_changed(c, o.id,
                             changed ? "moved to the recycle bin:" : "already in the recycle bin:");
    }
    if (c->json)
        cli_print_json(c, o.attributes);
    cli_say(c, "removed for good: %.*s", STR_ARG(cli_object_title(c, &o)));
    return 0;
}

int cli_object_restore(struct cli *c, const struct cli_args *args, enum source_kind kind)
{
    struct err err = {.kind = ERR_NONE};
    struct directory_object o;
    bool changed;

    if (!cli_object_find(c, cli_arg(args, 0), 1u << kind, &o, &err) ||
        !change(c, &o, NULL, restore, &changed, &err))
        return cli_fail(c, &err);
    return print_changed(c, o.id, changed ? "restored" : "was not in the recycle bin:");
}
