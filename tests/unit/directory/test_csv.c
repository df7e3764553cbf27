#include "directory/import/csv.h"
#include "directory/import/json_stream.h"
#include "frame/frame.h"

/* An input that comes in pieces of a given size. */
struct pieces {
    struct str rest;
    size_t size;
};

static bool read_piece(void *ctx, char *to, size_t room, size_t *out_read, struct err *err)
{
    struct pieces *p = ctx;
    size_t n = p->rest.len < p->size ? p->rest.len : p->size;

    (void)err;
    n = n < room ? n : room;
    if (n > 0)
        memcpy(to, p->rest.ptr, n);
    p->rest = str_from(p->rest, n);
    *out_read = n;
    return true;
}

/* Rows as "a|b/c|d", or "code at place". */
static void read_csv(struct str text, size_t size, struct buf *out)
{
    struct pieces in = {text, size};
    struct csv_reader *r = csv_new("f.csv", read_piece, &in);
    struct csv_row row;
    struct err err;
    bool more = true;

    buf_reset(out);
    for (;;) {
        if (!csv_next(r, &row, &more, &err)) {
            buf_addf(out, "%s%s at %s", out->len ? "/" : "", err.code, err.place);
            break;
        }
        if (!more)
            break;
        if (out->len)
            buf_add_char(out, '/');
        for (size_t i = 0; i < row.count; i++) {
            if (i)
                buf_add_char(out, '|');
            buf_add(out, row.cells[i].text);
        }
    }
    csv_free(r);
}

static void csv(void **state)
{
    static const struct {
        const char *label;
        struct str in;
        const char *want;
    } cases[] = {
        {"nothing", STR_INIT(""), ""},
        {"one row", STR_INIT("a,b"), "a|b"},
        {"two rows", STR_INIT("a,b\n1,2\n"), "a|b/1|2"},
        {"CRLF", STR_INIT("a,b\r\n1,2\r\n"), "a|b/1|2"},
        {"CR", STR_INIT("a,b\r1,2\r"), "a|b/1|2"},
        {"blank lines", STR_INIT("\n\na\n\r\n\nb\n"), "a/b"},
        {"byte order mark",
         STR_INIT("\xEF\xBB\xBF"
                  "a,b\n1,2"),
         "a|b/1|2"},
        {"empty cells", STR_INIT(",\n,,"), "|/||"},
        {"quotes", STR_INIT("\"a,b\",\"say \"\"hi\"\"\"\n\"\",x"), "a,b|say \"hi\"/|x"},
        {"line end in a cell", STR_INIT("\"a\nb\",c\nd,e"), "a\nb|c/d|e"},
        {"semicolons", STR_INIT("a;b;c\n1;2,5;3"), "a|b|c/1|2,5|3"},
        {"tabs", STR_INIT("a\tb\n1\t2;3"), "a|b/1|2;3"},
        {"semicolons in quotes do not count", STR_INIT("\"a;b;c\",d\n1,2"), "a;b;c|d/1|2"},
        {"only blanks are kept", STR_INIT("a,b\n , "), "a|b/ | "},
        {"unclosed", STR_INIT("a,b\n1,\"2\n3,4\n"), "a|b/unclosedQuote at f.csv:2:2"},
        {"stray quote", STR_INIT("a,b\n1,5\" pipe\n"), "a|b/strayQuote at f.csv:2:2"},
        {"stray quote that swallows", STR_INIT("a\n5\" pipe\n6\n7\n"), "a/strayQuote at f.csv:2:1"},
        {"after the quote", STR_INIT("a,b\n\"1\"x,2"), "a|b/strayQuote at f.csv:2:1"},
        {"lines count in cells", STR_INIT("a\n\"1\n2\n3\"\n\xFF"),
         "a/1\n2\n3/notUtf8 at f.csv:5:1"},
        {"latin-1", STR_INIT("a,b\n1,M\xFCller"), "a|b/notUtf8 at f.csv:2:2"},
        {"NUL", STR_INIT("a\0b"), "notCsv at f.csv:1:1"},
        {"UTF-16",
         STR_INIT("\xFF\xFE"
                  "a\0,\0"),
         "notUtf8 at f.csv:1:1"},
        {"surrogate in UTF-8", STR_INIT("\xED\xA0\x80"), "notUtf8 at f.csv:1:1"},
    };
    struct buf got;

    (void)state;
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t size = 1; size < 40; size = size * 2 + 1) {
            read_csv(cases[i].in, size, &got);
            CHECK_STR(buf_str(&got), cases[i].want, "%s", cases[i].label);
        }
    }
    buf_done(&got);
}

/* Wherever the reading cuts, the rows are the same. */
static void csv_pieces(void **state)
{
    static const struct str in = STR_INIT("a,b\r\n\"x\r\ny\",\"\"\"\"\r\n\n\"q\",é😀\r3,4\n");
    struct buf want;
    struct buf got;

    (void)state;
    buf_init(&want, 4096);
    buf_init(&got, 4096);
    read_csv(in, 1000, &want);
    CHECK_STR(buf_str(&want), "a|b/x\r\ny|\"/q|é😀/3|4", "in one piece");
    for (size_t size = 1; size < in.len; size++) {
        read_csv(in, size, &got);
        CHECK_STR(buf_str(&got), buf_z(&want), "in pieces of %zu", size);
    }
    buf_done(&want);
    buf_done(&got);
}

static void csv_limits(void **state)
{
    char *text = mem_alloc(CSV_ROW_MAX + 100);
    struct buf got;

    (void)state;
    buf_init(&got, CSV_ROW_MAX * 2);
    memset(text, 'x', CSV_ROW_MAX + 100);
    read_csv((struct str){text, CSV_ROW_MAX + 100}, SIZE_MAX, &got);
    CHECK_STR(buf_str(&got), "rowTooLong at f.csv:1:1", "too long");
    text[0] = '"';
    read_csv((struct str){text, CSV_ROW_MAX + 100}, SIZE_MAX, &got);
    CHECK_STR(buf_str(&got), "unclosedQuote at f.csv:1:1", "unclosed and too long");
    memset(text, ',', 2000);
    read_csv((struct str){text, 2000}, SIZE_MAX, &got);
    CHECK_STR(buf_str(&got), "tooManyColumns at f.csv:1:1001", "too many columns");
    buf_done(&got);
    free(text);
}

static void read_json(struct str text, size_t size, struct arena *a, struct buf *out)
{
    struct pieces in = {text, size};
    struct json_stream *s = json_stream_new("f.json", read_piece, &in);
    struct json_stream_item item;
    struct err err;
    bool more;

    buf_reset(out);
    for (;;) {
        if (!json_stream_next(s, a, &item, &more, &err)) {
            buf_addf(out, "%s%s at %s", out->len ? " " : "", err.code, err.place);
            break;
        }
        if (!more)
            break;
        buf_addf(out, "%s%s", out->len ? " " : "",
                 !item.in_section           ? ""
                 : item.kind == SOURCE_USER ? "u"
                                            : "g");
        json_write(out, item.object);
        buf_addf(out, "@%lld:%lld", (long long)item.line, (long long)item.column);
    }
    json_stream_free(s);
}

static void json(void **state)
{
    static const struct {
        const char *label, *in, *want;
    } cases[] = {
        {"array", "[{\"a\":1}, {}]", "{\"a\":1}@1:2 {}@1:11"},
        {"empty array", " [ ] ", ""},
        {"empty object", "{}", ""},
        {"sections", "{\"users\":[{}],\n \"groups\" : [ {\"b\":[]},{}]}",
         "u{}@1:11 g{\"b\":[]}@2:15 g{}@2:24"},
        {"brackets in texts", "[{\"a\":\"}]{\\\"\"}]", "{\"a\":\"}]{\\\"\"}@1:2"},
        {"byte order mark", "\xEF\xBB\xBF[{}]", "{}@1:2"},
        {"cut off in an object", "[{\"a\":", "invalidJson at f.json:1:7"},
        {"cut off after an object", "[{}", "{}@1:2 invalidJson at f.json:1:4"},
        {"cut off after a comma", "[{},", "{}@1:2 invalidJson at f.json:1:5"},
        {"cut off in a section", "{\"users\":[", "invalidJson at f.json:1:11"},
        {"nothing", "", "invalidJson at f.json:1:1"},
        {"neither", "\"x\"", "invalidJson at f.json:1:1"},
        {"not an object", "[1]", "invalidJson at f.json:1:2"},
        {"trailing comma", "[{},]", "{}@1:2 invalidJson at f.json:1:5"},
        {"more behind", "[{}] x", "{}@1:2 invalidJson at f.json:1:6"},
        {"inside", "[\n{\"a\":\n tru}]", "invalidJson at f.json:3:2"},
        {"unknown section", "{\"people\":[]}", "unknownSection at f.json:1:2"},
        {"section twice", "{\"users\":[],\"users\":[]}", "unknownSection at f.json:1:13"},
        {"section without array", "{\"users\":{}}", "invalidJson at f.json:1:10"},
        {"member twice", "[{\"a\":1,\"a\":2}]", "invalidJson at f.json:1:9"},
        {"too deep", "[{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}]", "jsonTooDeep at f.json:1:22"},
        {"deep enough", "[{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}]",
         "{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}@1:2"},
    };
    struct arena *a = arena_new();
    struct buf got;

    (void)state;
    buf_init(&got, 4096);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t size = 3; size < 100; size = size * 2 + 1) {
            read_json(str_from_z(cases[i].in), size, a, &got);
            CHECK_STR(buf_str(&got), cases[i].want, "%s in pieces of %zu", cases[i].label, size);
        }
    }
    buf_done(&got);
    arena_free(a);
}

static void json_limits(void **state)
{
    size_t len = JSON_STREAM_OBJECT_MAX + 100;
    struct arena *a = arena_new();
    char *text = mem_alloc(len);
    struct buf got;

    (void)state;
    buf_init(&got, 4096);
    memset(text, 'x', len);
    memcpy(text, "[{\"a\":\"", 7);
    read_json((struct str){text, len}, SIZE_MAX, a, &got);
    CHECK(str_starts(buf_str(&got), STR("jsonTooLarge at f.json:1:")), "%s", buf_z(&got));
    buf_done(&got);
    free(text);
    arena_free(a);
}

TEST_GROUP(csv, cmocka_unit_test(csv), cmocka_unit_test(csv_pieces), cmocka_unit_test(csv_limits),
           cmocka_unit_test(json), cmocka_unit_test(json_limits))
