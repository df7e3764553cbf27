#include "expr/regex.h"

#include "expr/node.h"
#include "expr/regex_rewrite.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    MATCH_LIMIT = 100000,
    DEPTH_LIMIT = 20000,
    HEAP_LIMIT_KIB = 4096,
};

struct expr_regex {
    pcre2_code *code;
    struct regex_groups groups;
    size_t net_count; /* .NET's groups with group 0 */
};

struct expr_matcher {
    const struct expr_regex *regex;
    struct str subject;
    size_t next; /* where the next search begins */
    bool ended;
    uint64_t *steps;
    uint64_t own_steps;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

/* A compiled pattern is part of what it was compiled for and ends with its arena. */
static void *arena_malloc(size_t size, void *arena)
{
    return arena_alloc(arena, size);
}

static void arena_keep(void *p, void *arena)
{
    (void)p;
    (void)arena;
}

static const struct expr_regex *fail_compile(int code, size_t offset, struct expr_error *err)
{
    char why[160];

    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why)) < 0)
        (void)snprintf(why, sizeof(why), "error %d", code);
    expr_error_fill(err, EXPR_REGEX, offset, "the regular expression does not compile: %s", why);
    return NULL;
}

const struct expr_regex *expr_regex_compile(struct arena *a, struct str pattern,
                                            struct expr_error *err)
{
    struct expr_regex *r = ARENA_NEW(a, struct expr_regex);
    pcre2_general_context *memory = pcre2_general_context_create(arena_malloc, arena_keep, a);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    CLEANUP(buf_done) struct buf text = {0};
    PCRE2_SIZE offset;
    int code;

    buf_init(&text, (size_t)EXPR_MAX_CHARACTERS * 8);
    if (!regex_rewrite(arena_str(a, pattern), &text, &r->groups, err))
        return NULL;
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    r->code = pcre2_compile((PCRE2_SPTR)buf_z(&text), text.len,
                            PCRE2_UTF | PCRE2_UCP | PCRE2_DUPNAMES | PCRE2_NEVER_BACKSLASH_C |
                                PCRE2_AUTO_CALLOUT,
                            &code, &offset, context);
    if (!r->code)
        return fail_compile(code, offset, err);
    r->net_count = 1;
    while (regex_group_number(&r->groups, r->net_count) != 0)
        r->net_count++;
    return r;
}

size_t expr_regex_groups(const struct expr_regex *r)
{
    return r->net_count;
}

bool expr_regex_group(const struct expr_regex *r, struct str name, size_t *out_number)
{
    for (size_t n = 1; n < r->net_count; n++) {
        if (str_eq(r->groups.names[regex_group_number(&r->groups, n) - 1], name)) {
            *out_number = n;
            return name.len > 0;
        }
    }
    return false;
}

/* PCRE2's own limit counts from anew at every character where a match could begin; the steps of all
 * searches together are counted here. */
static int count_step(pcre2_callout_block *block, void *matcher)
{
    struct expr_matcher *m = matcher;

    (void)block;
    return ++*m->steps > EXPR_MAX_STEPS ? PCRE2_ERROR_MATCHLIMIT : 0;
}

struct expr_matcher *expr_matcher_new(const struct expr_regex *r, struct str subject,
                                      uint64_t *steps)
{
    struct expr_matcher *m = mem_alloc(sizeof(*m));
    /* Without it PCRE2 would take the pattern's own memory, which all threads share. */
    pcre2_general_context *memory = pcre2_general_context_create(NULL, NULL, NULL);

    m->regex = r;
    m->subject = subject;
    m->steps = steps ? steps : &m->own_steps;
    m->data = pcre2_match_data_create_from_pattern(r->code, memory);
    m->context = pcre2_match_context_create(memory);
    pcre2_general_context_free(memory);
    if (!m->data || !m->context)
        abort(); /* as mem_alloc ends the process */
    pcre2_set_match_limit(m->context, MATCH_LIMIT);
    pcre2_set_depth_limit(m->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
    pcre2_set_callout(m->context, count_step, m);
    return m;
}

void expr_matcher_freep(struct expr_matcher **m)
{
    if (!*m)
        return;
    pcre2_match_data_free((*m)->data);
    pcre2_match_context_free((*m)->context);
    free(*m);
    *m = NULL;
}

static size_t behind_character(struct str s, size_t at)
{
    at++;
    while (at < s.len && ((unsigned char)s.ptr[at] & 0xC0) == 0x80)
        at++;
    return at;
}

enum expr_match expr_matcher_next(struct expr_matcher *m)
{
    const PCRE2_SIZE *found;
    int code;

    if (m->ended || m->next > m->subject.len)
        return EXPR_MATCH_NO;
    code = pcre2_match(m->regex->code, (PCRE2_SPTR)(m->subject.len ? m->subject.ptr : ""),
                       m->subject.len, m->next, PCRE2_NO_UTF_CHECK, m->data, m->context);
    if (code == PCRE2_ERROR_NOMATCH) {
        m->ended = true;
        return EXPR_MATCH_NO;
    }
    if (code < 0)
        return EXPR_MATCH_FAILED;
    found = pcre2_get_ovector_pointer(m->data);
    m->next = found[1] > found[0] ? found[1] : behind_character(m->subject, found[1]);
    return EXPR_MATCH_YES;
}

struct expr_span expr_matcher_span(const struct expr_matcher *m, size_t group)
{
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(m->data);
    const struct regex_groups *groups = &m->regex->groups;
    size_t number = group == 0 ? 0 : regex_group_number(groups, group);
    struct expr_span span = {0, 0, false};

    if (group > 0 && number == 0)
        return span;
    for (size_t i = number; i <= groups->count; i++) {
        /* Groups of one name: the last that took part. */
        bool same = i == number || (number > 0 && groups->names[number - 1].len > 0 &&
                                    str_eq(groups->names[i - 1], groups->names[number - 1]));

        if (same && found[2 * i] != PCRE2_UNSET && found[2 * i] <= found[2 * i + 1])
            span = (struct expr_span){found[2 * i], found[2 * i + 1], true};
    }
    return span;
}
