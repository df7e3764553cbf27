#include "cli/expression_manual.h"

struct str expression_signature(struct arena *a, const struct expr_function_info *f)
{
    CLEANUP(buf_done) struct buf text = {0};

    buf_init(&text, 512);
    buf_addf(&text, "%s(", f->name);
    for (size_t i = 0; i < f->parameter_count; i++) {
        buf_addf(&text, "%s%s%s%s", i > 0 ? ", " : "", f->parameters[i].name,
                 f->parameters[i].optional && !f->parameters[i].repeats ? "?" : "",
                 f->parameters[i].repeats ? ", ..." : "");
    }
    buf_add_char(&text, ')');
    return arena_str(a, buf_str(&text));
}

static const char introduction[] =
    "# Expressions\n"
    "\n"
    "An attribute mapping of the type *Expression* says with a formula what an account gets:\n"
    "\n"
    "    Join(\" \", [givenName], [surname])\n"
    "    Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")\n"
    "\n"
    "Try one before you use it:\n"
    "\n"
    "    usher expression eval 'ToLower([mail])' --attributes '{\"mail\": \"Ada@Example.org\"}'\n"
    "    usher expression check 'ToLowr([mail])'\n"
    "\n"
    "This page is printed by `usher expression functions --manual`.\n"
    "\n"
    "## How they are written\n"
    "\n"
    "| what | written | notes |\n"
    "|---|---|---|\n"
    "| function | `Name(argument, ...)` | an argument can be left empty where it is optional (`?`) |\n"
    "| attribute | `[mail]` | of the person or group; no value is *null* |\n"
    "| text | `\"...\"` | `\\\"` is a quote and `\\\\` a backslash in it |\n"
    "| number | `12`, `-1.5`, `&HFF` | |\n"
    "| constant | `True`, `False`, `NULL` | |\n"
    "| comparison | `=` `<>` `<` `<=` `>` `>=` | false when a side is null |\n"
    "| joining | `[a] & \"-\" & [b]` | null counts as \"\" |\n"
    "| signal | `IgnoreAttributeFlow`, `IgnoreObjectFlow` | the attribute does not flow; the object is "
    "skipped |\n"
    "\n"
    "Upper and lower case count in all names. There is no `AND`, `OR` or arithmetic: nest `IIF`.\n"
    "\n"
    "- A function whose first argument is null gives null, unless its row says otherwise.\n"
    "- A function marked *each* is applied to every value of a list and gives a list.\n"
    "- `IIF`, `Switch`, `Coalesce` and `SelectUniqueValue` evaluate only what they need.\n"
    "- `Now()` is the same instant everywhere in the mapping of one object.\n"
    "- Dates become text as `2/29/2024 3:33:38 PM`, in UTC; `FormatDateTime` gives other forms.\n"
    "- Positions and lengths count UTF-16 units, as .NET does: an emoji counts two.\n"
    "\n"
    "## What goes wrong\n"
    "\n"
    "`Parse`, `UnknownFunction`, `Arity`, `Nesting` and `TooLong` are found when a mapping is saved, with\n"
    "the character where it is. `Type`, `InvalidArgument`, `OutOfRange`, `DateParse`, `Regex`, `NotUnique`\n"
    "and `Custom` (by `Error`) happen with a person's values: then that one object fails, is told in the\n"
    "log and tried again; the others go on.\n"
    "\n";

static void write_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

static void write_function(FILE *out, struct arena *a, const struct expr_function_info *f)
{
    (void)fprintf(out, "### %s\n\n`%s` gives %s%s: ", f->name, expression_signature(a, f).ptr,
                  f->gives, f->each ? " (each)" : "");
    write_cell(out, f->help);
    (void)fprintf(out, ".%s\n\n    %s\n\n",
                  f->sees_null || f->parameter_count == 0 ? "" : " Null gives null.", f->example);
}

void expression_manual(FILE *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)fputs(introduction, out);
    (void)fprintf(
        out,
        "## Limits\n\n%d characters of an expression, %d calls inside calls, %u bytes of a "
        "text, %d values of a\nlist, %u MiB built by one evaluation; searching is limited, "
        "too, so that no expression can take long.\n\n## Functions\n\n",
        EXPR_MAX_CHARACTERS, EXPR_MAX_DEPTH, EXPR_MAX_TEXT, EXPR_MAX_LIST, EXPR_MAX_WORK >> 20);
    for (size_t i = 0; i < expr_function_count(); i++) {
        struct expr_function_info f = expr_function_info(i);

        write_function(out, a, &f);
    }
}
