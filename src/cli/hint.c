/* Commands in messages, which come from folders that know nothing of a command line: with the data
 * directory that was given, so that what is pasted finds it. */
#include "base/buf.h"
#include "cli/commands.h"

#include <string.h>

static const struct str usher = STR_INIT("usher ");

struct search {
    struct str word;
    bool found;
};

static void is_it(void *ctx, const struct cli_command *command)
{
    struct search *s = ctx;

    s->found = s->found || str_eq_z(s->word, command->name);
}

/* "start" of "start demo --wait'" */
static struct str first_word(struct str text)
{
    size_t n = 0;

    while (n < text.len && (ascii_is_alpha(text.ptr[n]) || text.ptr[n] == '-'))
        n++;
    return str_sub(text, 0, n);
}

static bool is_command(struct str text)
{
    struct search s = {.word = first_word(text)};

    cli_command_each(is_it, &s);
    return s.found || (s.word.len > 0 && cli_command_is_group(s.word));
}

static bool begins_word(struct str text, size_t at)
{
    return at == 0 || str_find_char(STR(" '(\n\t"), text.ptr[at - 1], &(size_t){0});
}

struct str cli_hinted(struct cli *c, struct str text)
{
    const char *option = c->program ? strstr(c->program, " --data ") : NULL;
    CLEANUP(buf_done) struct buf out = {0};
    size_t size = text.len;

    if (!option)
        return text;
    for (size_t i = 0; i < text.len; i++)
        size += str_starts(str_from(text, i), usher) ? strlen(option) : 0;
    buf_init(&out, size + 1);
    for (size_t i = 0; i < text.len; i++) {
        buf_add_char(&out, text.ptr[i]);
        if (i + 1 >= usher.len && str_eq(str_sub(text, i + 1 - usher.len, usher.len), usher) &&
            begins_word(text, i + 1 - usher.len) && is_command(str_from(text, i + 1))) {
            buf_add_z(&out, option + 1);
            buf_add_char(&out, ' ');
        }
    }
    return arena_str(c->arena, buf_str(&out));
}
