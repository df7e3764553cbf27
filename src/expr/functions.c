/* The one table of functions: name, how it is called, parameters, what it does. In the order of
 * their names, byte by byte. */
#include "expr/function.h"
#include "expr/nearest.h"

#define EACH     FUNCTION_EACH
#define SEES     FUNCTION_SEES_NULL
#define ANY_NULL FUNCTION_ANY_NULL
#define LAZY     FUNCTION_LAZY
#define VARIES   FUNCTION_VARIES
#define OPT      PARAMETER_OPTIONAL
#define BLANK    PARAMETER_BLANK
#define MANY     PARAMETER_REPEATS
#define ANY      PARAMETER_ANY
#define TEXT     PARAMETER_TEXT
#define INT      PARAMETER_INTEGER
#define NUM      PARAMETER_NUMBER
#define BOOL     PARAMETER_BOOLEAN
#define DATE     PARAMETER_DATE

/* clang-format off */
const struct expr_function expr_functions[] = {
    {"AppRoleAssignments", fn_role_names, 0, GIVES_TEXTS, {{"source", ANY, 0}},
     "the names of the roles held", "AppRoleAssignments([appRoleAssignments])"},
    {"AppRoleAssignmentsComplex", fn_role_assignments, 0, GIVES_RECORDS, {{"source", ANY, 0}},
     "the roles held, as records; sent as additions",
     "AppRoleAssignmentsComplex([appRoleAssignments])"},
    {"Append", fn_append, EACH, GIVES_TEXT, {{"source", TEXT, 0}, {"suffix", TEXT, 0}},
     "the source followed by the suffix", "Append([mailNickname], \"@contoso.com\")"},
    {"AssertiveAppRoleAssignmentsComplex", fn_role_assignments, 0, GIVES_RECORDS, {{"source", ANY, 0}},
     "the roles held, as records; replaces what the target has",
     "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])"},
    {"BitAnd", fn_bit_and, ANY_NULL, GIVES_INTEGER, {{"value1", INT, 0}, {"value2", INT, 0}},
     "the bits set in both integers", "BitAnd([userAccountControl], 2)"},
    {"BitOr", fn_bit_or, ANY_NULL, GIVES_INTEGER, {{"value1", INT, 0}, {"value2", INT, 0}},
     "the bits set in either integer", "BitOr(1, 4)"},
    {"CBool", fn_cbool, SEES, GIVES_BOOLEAN, {{"expression", BOOL, 0}},
     "true or false from a comparison, number or text", "CBool([a] = [b])"},
    {"CDate", fn_cdate, 0, GIVES_DATE, {{"expression", DATE, 0}}, "text as a date",
     "CDate([employeeHireDate])"},
    {"CGuid", fn_cguid, 0, GIVES_BINARY, {{"value", TEXT, 0}}, "a GUID's text as its 16 bytes",
     "CGuid([extensionAttribute1])"},
    {"CNum", fn_cnum, 0, GIVES_NUMBER, {{"value", NUM, 0}}, "text as a number", "CNum(\"1.5\")"},
    {"CRef", fn_cref, 0, GIVES_REFERENCE, {{"value", TEXT, 0}}, "text as a reference", "CRef([manager])"},
    {"CStr", fn_cstr, 0, GIVES_TEXT, {{"value", TEXT, 0}}, "a number, reference or boolean as text",
     "CStr([accountEnabled])"},
    {"Coalesce", fn_coalesce, LAZY, GIVES_ANY, {{"source", ANY, MANY}},
     "the first argument that is not null", "Coalesce([mail], [userPrincipalName])"},
    {"Contains", fn_contains, SEES, GIVES_INTEGER,
     {{"attribute", ANY, 0}, {"search", TEXT, 0}, {"casetype", TEXT, OPT}},
     "the number of the first value that contains the text, or 0",
     "Contains([proxyAddresses], \"SMTP:\")"},
    {"ConvertFromBase64", fn_from_base64, 0, GIVES_TEXT, {{"source", TEXT, 0}, {"encoding", TEXT, OPT}},
     "the text in base64; encoding Unicode, UTF8 or ASCII",
     "ConvertFromBase64([extensionAttribute1], UTF8)"},
    {"ConvertFromUTF8Hex", fn_from_utf8_hex, 0, GIVES_TEXT, {{"source", TEXT, 0}},
     "the text in hexadecimal UTF-8", "ConvertFromUTF8Hex([extensionAttribute1])"},
    {"ConvertToBase64", fn_to_base64, EACH, GIVES_TEXT, {{"source", TEXT, 0}},
     "the text's UTF-16 bytes in base64", "ConvertToBase64([objectId])"},
    {"ConvertToUTF8Hex", fn_to_utf8_hex, EACH, GIVES_TEXT, {{"source", TEXT, 0}},
     "the text's UTF-8 bytes in hexadecimal", "ConvertToUTF8Hex([objectId])"},
    {"Count", fn_count, SEES, GIVES_INTEGER, {{"attribute", ANY, 0}}, "how many values there are",
     "Count([proxyAddresses])"},
    {"DNComponent", fn_dn_component, ANY_NULL, GIVES_TEXT, {{"dn", TEXT, 0}, {"n", INT, 0}},
     "the value of one part of a distinguished name, counted from 1 on its left",
     "DNComponent([extensionAttribute1], 1)"},
    {"DNComponentRev", fn_dn_component_rev, 0, GIVES_TEXT,
     {{"dn", TEXT, 0}, {"n", INT, 0}, {"option", TEXT, OPT}},
     "the same counted from its right; the option \"DC\" leaves dc= parts out",
     "DNComponentRev([extensionAttribute1], 1, \"DC\")"},
    {"DateAdd", fn_date_add, ANY_NULL, GIVES_DATE,
     {{"interval", TEXT, 0}, {"value", INT, 0}, {"dateTime", DATE, 0}},
     "a date moved by so many intervals", "DateAdd(\"d\", 7, CDate([employeeHireDate]))"},
    {"DateDiff", fn_date_diff, ANY_NULL, GIVES_INTEGER,
     {{"interval", TEXT, 0}, {"date1", DATE, 0}, {"date2", DATE, 0}},
     "the intervals from the first date to the second",
     "DateDiff(\"d\", Now(), CDate([employeeHireDate]))"},
    {"DateFromNum", fn_date_from_num, 0, GIVES_DATE, {{"value", INT, 0}}, "a Windows file time as a date",
     "DateFromNum(129699324000000000)"},
    {"DefaultDomain", fn_default_domain, VARIES, GIVES_TEXT, {{NULL, ANY, 0}},
     "the default domain name of the directory", "Join(\"@\", [mailNickname], DefaultDomain())"},
    {"Error", fn_error, SEES | VARIES, GIVES_ANY, {{"message", TEXT, 0}}, "fails with the message",
     "IIF(IsPresent([mail]), [mail], Error(\"no mail address\"))"},
    {"EscapeDNComponent", fn_escape_dn, 0, GIVES_TEXT, {{"value", TEXT, 0}},
     "the text, written so that it can stand in a distinguished name",
     "\"cn=\" & EscapeDNComponent([displayName])"},
    {"FormatDateTime", fn_format_date, VARIES, GIVES_TEXT,
     {{"source", ANY, 0}, {"dateTimeStyles", TEXT, BLANK}, {"inputFormat", TEXT, BLANK},
      {"outputFormat", TEXT, 0}},
     "a date in another form; with three arguments there are no styles",
     "FormatDateTime([employeeHireDate], , \"yyyy-MM-ddTHH:mm:ssZ\", \"dd.MM.yyyy\")"},
    {"Guid", fn_guid, VARIES, GIVES_TEXT, {{NULL, ANY, 0}}, "a new random GUID", "Guid()"},
    {"IIF", fn_iif, LAZY, GIVES_ANY,
     {{"condition", BOOL, 0}, {"valueIfTrue", ANY, BLANK}, {"valueIfFalse", ANY, BLANK}},
     "one of two values, by a condition", "IIF([country]=\"USA\", [country], [department])"},
    {"IgnoreFlowIfNullOrEmpty", fn_ignore_flow, SEES, GIVES_ANY, {{"expression", ANY, 0}},
     "the value, or nothing flows if it is null or empty",
     "IgnoreFlowIfNullOrEmpty([department])"},
    {"InStr", fn_in_str, SEES, GIVES_INTEGER,
     {{"value1", TEXT, 0}, {"value2", TEXT, 0}, {"start", INT, OPT}, {"compareType", TEXT, OPT}},
     "the position of the first occurrence, from 1, or 0", "InStr([mail], \"@\")"},
    {"InStrRev", fn_in_str_rev, SEES, GIVES_INTEGER,
     {{"string", TEXT, 0}, {"match", TEXT, 0}, {"start", INT, OPT}, {"compareType", TEXT, OPT}},
     "the position of the last occurrence, from 1, or 0", "InStrRev([mail], \".\")"},
    {"IsBitSet", fn_is_bit_set, ANY_NULL, GIVES_BOOLEAN, {{"value", INT, 0}, {"flag", INT, 0}},
     "true if a bit of the flag is set", "IsBitSet([userAccountControl], 2)"},
    {"IsDate", fn_is_date, SEES, GIVES_BOOLEAN, {{"value", ANY, 0}}, "true if CDate would succeed",
     "IsDate([extensionAttribute1])"},
    {"IsEmpty", fn_is_empty, SEES, GIVES_BOOLEAN, {{"value", ANY, 0}}, "true for the empty text \"\"",
     "IsEmpty([displayName])"},
    {"IsGuid", fn_is_guid, SEES, GIVES_BOOLEAN, {{"value", ANY, 0}}, "true if CGuid would succeed",
     "IsGuid([extensionAttribute1])"},
    {"IsNothing", fn_is_null, SEES, GIVES_BOOLEAN, {{"source", ANY, 0}}, "the same as IsNull",
     "IsNothing([displayName])"},
    {"IsNull", fn_is_null, SEES, GIVES_BOOLEAN, {{"expression", ANY, 0}}, "true if there is no value",
     "IsNull([displayName])"},
    {"IsNullOrEmpty", fn_is_null_or_empty, SEES, GIVES_BOOLEAN, {{"expression", ANY, 0}},
     "true if there is no value or \"\"", "IsNullOrEmpty([displayName])"},
    {"IsNumeric", fn_is_numeric, SEES, GIVES_BOOLEAN, {{"value", ANY, 0}}, "true if CNum would succeed",
     "IsNumeric([employeeId])"},
    {"IsPresent", fn_is_present, SEES, GIVES_BOOLEAN, {{"expression", ANY, 0}},
     "true if there is a value other than \"\"", "IsPresent([displayName])"},
    {"IsString", fn_is_string, SEES, GIVES_BOOLEAN, {{"expression", ANY, 0}}, "true if the value can be text",
     "IsString([employeeId])"},
    {"Item", fn_item, SEES, GIVES_ANY, {{"attribute", ANY, 0}, {"index", INT, 0}},
     "one value of a list, counted from 1", "Item([proxyAddresses], 1)"},
    {"ItemOrNull", fn_item_or_null, SEES, GIVES_ANY, {{"attribute", ANY, 0}, {"index", INT, 0}},
     "the same as Item, null instead of an error", "ItemOrNull([proxyAddresses], 2)"},
    {"Join", fn_join, SEES, GIVES_TEXT, {{"separator", ANY, 0}, {"source", ANY, BLANK | MANY}},
     "all values that are not empty, with the separator between them",
     "Join(\" \", [givenName], [surname])"},
    {"LCase", fn_to_lower, EACH, GIVES_TEXT, {{"value", TEXT, 0}}, "the text in small letters",
     "LCase([mail])"},
    {"LTrim", fn_ltrim, EACH, GIVES_TEXT, {{"value", TEXT, 0}}, "the text without white space on its left",
     "LTrim([displayName])"},
    {"Left", fn_left, EACH | SEES, GIVES_TEXT, {{"string", TEXT, 0}, {"numChars", INT, 0}},
     "so many characters from the left", "Left([displayName], 3)"},
    {"Len", fn_len, SEES, GIVES_INTEGER, {{"value", TEXT, 0}}, "the number of characters", "Len([displayName])"},
    {"Mid", fn_mid, EACH | SEES, GIVES_TEXT, {{"source", TEXT, 0}, {"start", INT, 0}, {"length", INT, OPT}},
     "so many characters from a position, counted from 1", "Mid([userPrincipalName], 1, 8)"},
    {"NormalizeDiacritics", fn_normalize_diacritics, EACH, GIVES_TEXT, {{"source", TEXT, 0}},
     "letters without their accents", "NormalizeDiacritics([givenName])"},
    {"Not", fn_not, SEES, GIVES_BOOLEAN, {{"source", ANY, 0}}, "false for true, and true for everything else",
     "Not([IsSoftDeleted])"},
    {"Now", fn_now, VARIES, GIVES_DATE, {{NULL, ANY, 0}}, "the current time as a date", "Now()"},
    {"NumFromDate", fn_num_from_date, 0, GIVES_INTEGER, {{"value", ANY, 0}}, "a date as a Windows file time",
     "NumFromDate(Now())"},
    {"PCase", fn_pcase, EACH, GIVES_TEXT, {{"source", TEXT, 0}, {"wordSeparators", TEXT, OPT}},
     "words that begin with a capital letter", "PCase([displayName])"},
    {"PadLeft", fn_pad_left, SEES, GIVES_TEXT, {{"string", TEXT, 0}, {"length", INT, 0}, {"padChar", TEXT, 0}},
     "the text, filled up on its left", "PadLeft([employeeId], 8, \"0\")"},
    {"PadRight", fn_pad_right, SEES, GIVES_TEXT,
     {{"string", TEXT, 0}, {"length", INT, 0}, {"padChar", TEXT, 0}},
     "the text, filled up on its right", "PadRight([employeeId], 8, \"0\")"},
    {"Prepend", fn_prepend, SEES, GIVES_TEXT, {{"prefix", TEXT, 0}, {"source", ANY, 0}},
     "the prefix followed by the source", "Prepend(\"x-\", [mailNickname])"},
    {"RTrim", fn_rtrim, EACH, GIVES_TEXT, {{"value", TEXT, 0}}, "the text without white space on its right",
     "RTrim([displayName])"},
    {"RandomNum", fn_random_num, ANY_NULL | VARIES, GIVES_INTEGER, {{"start", INT, 0}, {"end", INT, 0}},
     "a random integer from start to end, both included", "RandomNum(1000, 9999)"},
    {"RandomString", fn_random_string, SEES | VARIES, GIVES_TEXT,
     {{"Length", INT, 0}, {"MinimumNumbers", INT, 0}, {"MinimumSpecialCharacters", INT, 0},
      {"MinimumCapital", INT, 0}, {"MinimumLowerCase", INT, 0}, {"CharactersToAvoid", TEXT, OPT}},
     "random text, for initial passwords", "Redact(RandomString(16, 2, 2, 2, 2))"},
    {"Redact", fn_redact, SEES, GIVES_ANY, {{"value", ANY, 0}},
     "the value itself, kept out of every log", "Redact([employeeId])"},
    {"RemoveDuplicates", fn_remove_duplicates, 0, GIVES_ANY, {{"attribute", ANY, 0}},
     "the list without repetitions", "RemoveDuplicates([proxyAddresses])"},
    {"Replace", fn_replace, EACH | SEES, GIVES_TEXT,
     {{"source", TEXT, 0}, {"Find", TEXT, OPT}, {"RegularExpression", TEXT, OPT},
      {"RegularExpressionGroupName", TEXT, OPT}, {"Replacement", TEXT, OPT},
      {"ReplacementPropertyName", ANY, OPT}, {"Template", TEXT, OPT}},
     "text with parts replaced, plainly, in a template or by a regular expression",
     "Replace([mail], \"@old.example\", , , \"@new.example\", , )"},
    {"ReplaceChars", fn_replace_chars, EACH, GIVES_TEXT, {{"string", TEXT, 0}, {"pattern", TEXT, 0}},
     "the text with single characters replaced by the pattern a:x,b:yy,c:",
     "ReplaceChars([surname], \"\u00e4:ae,\u00f6:oe,\u00fc:ue\")"},
    {"Right", fn_right, SEES, GIVES_TEXT, {{"string", TEXT, 0}, {"n", INT, 0}},
     "so many characters from the right", "Right([employeeId], 3)"},
    {"SelectUniqueValue", fn_select_unique, LAZY | VARIES, GIVES_TEXT, {{"rule1", ANY, 0}, {"rule2", ANY, MANY}},
     "the first value that no other account has",
     "SelectUniqueValue([mailNickname], Append([mailNickname], \"2\"))"},
    {"SingleAppRoleAssignment", fn_single_role_assignment, 0, GIVES_TEXT, {{"source", ANY, 0}},
     "the name of the only role held", "SingleAppRoleAssignment([appRoleAssignments])"},
    {"Split", fn_split, 0, GIVES_TEXTS, {{"source", TEXT, 0}, {"delimiter", TEXT, 0}},
     "the parts of a text as a list", "Split([extensionAttribute5], \",\")"},
    {"StringFromGuid", fn_string_from_guid, 0, GIVES_TEXT, {{"value", ANY, 0}}, "16 bytes as a GUID's text",
     "StringFromGuid(CGuid([extensionAttribute1]))"},
    {"StringFromSid", fn_string_from_sid, 0, GIVES_TEXT, {{"value", ANY, 0}},
     "the bytes of a security identifier as text", "StringFromSid([extensionAttribute1])"},
    {"StripSpaces", fn_strip_spaces, EACH, GIVES_TEXT, {{"source", TEXT, 0}}, "the text without spaces",
     "StripSpaces([displayName])"},
    {"Switch", fn_switch, LAZY, GIVES_ANY,
     {{"source", ANY, BLANK}, {"defaultValue", ANY, BLANK}, {"switchValue", ANY, BLANK | MANY}},
     "the value that stands behind the matching key",
     "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")"},
    {"ToLower", fn_to_lower, EACH, GIVES_TEXT, {{"source", TEXT, 0}, {"culture", TEXT, OPT}},
     "the text in small letters", "ToLower([mail])"},
    {"ToUpper", fn_to_upper, EACH, GIVES_TEXT, {{"source", TEXT, 0}, {"culture", TEXT, OPT}},
     "the text in capital letters", "ToUpper([country])"},
    {"Trim", fn_trim, EACH, GIVES_TEXT, {{"source", TEXT, 0}}, "the text without white space around it",
     "Trim([displayName])"},
    {"UCase", fn_to_upper, EACH, GIVES_TEXT, {{"value", TEXT, 0}}, "the text in capital letters",
     "UCase([country])"},
    {"Word", fn_word, SEES, GIVES_TEXT, {{"string", TEXT, 0}, {"wordNumber", INT, 0}, {"delimiters", TEXT, 0}},
     "one word of a text, counted from 1", "Word([displayName], 1, \" \")"},
};
/* clang-format on */
const size_t expr_functions_count = ARRAY_LEN(expr_functions);

const struct expr_function *expr_function_find(struct str name)
{
    size_t low = 0;
    size_t high = expr_functions_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(name, str_from_z(expr_functions[middle].name));

        if (order == 0)
            return &expr_functions[middle];
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const struct expr_function *expr_function_nearest(struct str name)
{
    const struct expr_function *best = NULL;
    size_t limit = expr_name_tolerance(name);

    for (size_t i = 0; i < expr_functions_count; i++) {
        size_t d = expr_name_distance(name, str_from_z(expr_functions[i].name), limit);

        if (d <= limit) {
            best = &expr_functions[i];
            if (d == 0)
                break;
            limit = d - 1;
        }
    }
    return best;
}

size_t expr_function_parameters(const struct expr_function *f)
{
    size_t n = 0;

    while (n < EXPR_MAX_PARAMETERS && f->parameters[n].name)
        n++;
    return n;
}

const struct parameter *expr_function_parameter(const struct expr_function *f, size_t i,
                                                size_t count)
{
    size_t n = expr_function_parameters(f);

    if (f->call == fn_format_date && count == 3 && i > 0)
        i++; /* the shape without dateTimeStyles */
    return &f->parameters[i < n ? i : n - 1];
}

const char *expr_function_key(const struct expr_function *f, size_t i, size_t count)
{
    return expr_function_parameter(f, i, count)->name;
}

size_t expr_function_count(void)
{
    return expr_functions_count;
}

static const char *type_name(const struct expr_function *f, const struct parameter *p)
{
    switch (p->type) {
    case PARAMETER_INTEGER:
    case PARAMETER_NUMBER:
        return "Integer";
    case PARAMETER_BOOLEAN:
        return "Boolean";
    case PARAMETER_DATE:
        return "DateTime";
    case PARAMETER_ANY:
    case PARAMETER_TEXT:
        break;
    }
    return f->call == fn_role_assignments || f->call == fn_role_names ||
                   f->call == fn_single_role_assignment
               ? "Reference"
               : "String";
}

static const char *gives_name(enum function_gives gives)
{
    static const char *const names[] = {
        [GIVES_ANY] = "any value",       [GIVES_TEXT] = "text",
        [GIVES_TEXTS] = "list of texts", [GIVES_INTEGER] = "integer",
        [GIVES_NUMBER] = "number",       [GIVES_BOOLEAN] = "boolean",
        [GIVES_DATE] = "date",           [GIVES_REFERENCE] = "reference",
        [GIVES_BINARY] = "binary",       [GIVES_RECORDS] = "list of records",
    };

    return names[gives];
}

struct expr_function_info expr_function_info(size_t i)
{
    const struct expr_function *f = &expr_functions[i];
    struct expr_function_info info = {
        .name = f->name, .gives = gives_name(f->gives), .help = f->help, .example = f->example};

    info.each = (f->flags & FUNCTION_EACH) != 0 || f->call == fn_prepend;
    info.sees_null =
        (f->flags & (FUNCTION_SEES_NULL | FUNCTION_LAZY)) != 0 || !f->parameters[0].name;
    info.parameter_count = expr_function_parameters(f);
    for (size_t k = 0; k < info.parameter_count; k++) {
        const struct parameter *p = &f->parameters[k];

        info.parameters[k] = (struct expr_parameter_info){
            .name = p->name,
            .type = type_name(f, p),
            .optional = (p->flags & (PARAMETER_OPTIONAL | PARAMETER_BLANK)) != 0,
            .repeats = (p->flags & PARAMETER_REPEATS) != 0,
        };
    }
    return info;
}
