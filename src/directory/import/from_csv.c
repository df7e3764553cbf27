#include "directory/import/work.h"

struct column {
    struct str header;
    struct directory_attribute attribute;
    bool ignored;
};

struct table {
    struct column *columns;
    size_t count;
    enum source_kind kind;
};

static bool is_members(const struct import_work *w, struct str header)
{
    const struct import_rule *rule = import_rule_for(w->o, header);

    return str_eq_ascii_nocase(rule ? rule->attribute : header, STR("members"));
}

/* Every attribute has one column. */
static bool check_twice(const struct import_work *w, const struct table *t, size_t i,
                        struct err *err)
{
    const struct column *c = &t->columns[i];

    for (size_t k = 0; k < i; k++) {
        if (t->columns[k].ignored || !str_eq(c->attribute.name, t->columns[k].attribute.name))
            continue;
        (void)err_set(err, ERR_INVALID, "duplicateColumn",
                      "the columns '%.*s' and '%.*s' both are %.*s: ignore one of them",
                      STR_ARG(str_sub(t->columns[k].header, 0, 60)),
                      STR_ARG(str_sub(c->header, 0, 60)), STR_ARG(c->attribute.name));
        return import_fail_at(w, (struct import_place){1, (int64_t)i + 1}, err);
    }
    return true;
}

/* Two columns for one attribute, or none to tell the rows apart by. */
static bool check_columns(const struct import_work *w, const struct table *t, struct err *err)
{
    struct str key = t->kind == SOURCE_USER ? STR("userPrincipalName") : STR("displayName");
    bool named = false;

    for (size_t i = 0; i < t->count; i++) {
        const struct column *c = &t->columns[i];

        if (c->ignored)
            continue;
        named = named || c->attribute.is_id || str_eq(c->attribute.name, key);
        if (!check_twice(w, t, i, err))
            return false;
    }
    if (named)
        return true;
    (void)err_set(err, ERR_INVALID, "missingColumn",
                  "no column is objectId or %.*s, by which the rows are told apart: say which one "
                  "it is with --map 'COLUMN=%.*s'",
                  STR_ARG(key), STR_ARG(key));
    return import_fail_at(w, (struct import_place){1, 1}, err);
}

static bool read_header(struct import_work *w, struct csv_reader *csv, struct table *out,
                        struct err *err)
{
    struct csv_row header;
    bool row;

    if (!csv_next(csv, &header, &row, err))
        return false;
    if (!row) {
        (void)err_set(err, ERR_INVALID, "notCsv",
                      "the file is empty: its first line has to name the columns");
        return import_fail_at(w, (struct import_place){1, 1}, err);
    }
    *out = (struct table){.columns = ARENA_ARRAY(w->a, struct column, header.count),
                          .count = header.count,
                          .kind = w->o->kind};
    for (size_t i = 0; i < header.count; i++) {
        out->columns[i].header = arena_str(w->a, str_trim(header.cells[i].text));
        if (!w->o->kind_given && is_members(w, out->columns[i].header))
            out->kind = SOURCE_GROUP;
    }
    for (size_t i = 0; i < header.count; i++) {
        struct column *c = &out->columns[i];

        if (!import_bind(w, out->kind, c->header, &c->attribute, &c->ignored, err))
            return import_fail_at(w, (struct import_place){header.line, (int64_t)i + 1}, err);
    }
    return check_columns(w, out, err);
}

static void split_members(struct import_work *w, struct str text, struct import_row *row)
{
    size_t most = 1;
    bool more = true;

    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == ';';
    row->members = ARENA_ARRAY(w->row, struct str, most);
    while (more) {
        struct str one;

        more = str_cut(&text, ';', &one);
        one = str_trim(one);
        if (one.len > 0)
            row->members[row->member_count++] = one;
    }
}

static bool add_cell(struct import_work *w, const struct column *c, const struct csv_cell *cell,
                     struct import_place place, struct import_row *row, struct err *err)
{
    struct json *v;

    if (c->ignored)
        return true;
    if (c->attribute.is_id) {
        row->id = str_trim(cell->text);
        return row->id.len == 0 || directory_check_id(row->id, err);
    }
    if (c->attribute.is_manager) {
        row->has_manager = true;
        row->manager = str_trim(cell->text);
        row->manager_place = place;
        return true;
    }
    if (c->attribute.is_members) {
        row->has_members = true;
        row->members_place = place;
        split_members(w, cell->text, row);
        return true;
    }
    if (!directory_value_from_text(&c->attribute, cell->text, w->row, &v, err))
        return false;
    v->name = c->attribute.name;
    json_append(row->patch, v);
    return true;
}

static bool read_row(struct import_work *w, const struct table *t, const struct csv_row *cells,
                     struct import_row *out, struct err *err)
{
    *out = (struct import_row){
        .kind = t->kind, .place = {cells->line, 1}, .patch = json_new(w->row, JSON_OBJECT)};
    if (cells->count != t->count) {
        (void)err_set(err, ERR_INVALID, "wrongCellCount",
                      "the row has %zu cell%s, the header has %zu columns", cells->count,
                      cells->count == 1 ? "" : "s", t->count);
        return import_fail_at(
            w,
            (struct import_place){cells->line,
                                  (int64_t)(cells->count < t->count ? cells->count : t->count + 1)},
            err);
    }
    for (size_t i = 0; i < t->count; i++) {
        struct import_place place = {cells->cells[i].line, (int64_t)i + 1};

        if (!add_cell(w, &t->columns[i], &cells->cells[i], place, out, err))
            return import_fail_at(w, place, err);
    }
    return true;
}

bool import_read_csv(struct import_work *w, struct err *err)
{
    CLEANUP(csv_freep) struct csv_reader *csv = csv_new(w->o->name, w->o->read, w->o->read_ctx);
    struct table table;
    struct csv_row cells;
    struct import_row row;
    bool more;

    if (!read_header(w, csv, &table, err))
        return false;
    w->result->had[table.kind] = true;
    for (;;) {
        if (!csv_next(csv, &cells, &more, err))
            return false;
        if (!more)
            return true;
        arena_reset(w->row);
        if (!read_row(w, &table, &cells, &row, err) || !import_row_apply(w, &row, err))
            return false;
    }
}
