/* Schemas: what is refused has findings that say where; what is accepted compiles, is written to
 * the same bytes again, and differs from itself in nothing. The input is the document. */
#include "base/rng.h"
#include "mapping/document.h"

#include <assert.h>

static void refused_with_reasons(const struct mapping_finding *f, const struct err *err)
{
    assert(err->message[0] && f);
    for (; f; f = f->next) {
        assert(f->code && f->message.len > 0);
        assert(f->pointer.len == 0 || f->pointer.ptr[0] == '/');
    }
}

static void stays_the_same(struct arena *a, const struct json *document)
{
    struct mapping_finding *findings = NULL;
    struct mapping_difference *list;
    struct str text = mapping_document_text(a, document);
    struct json *again;
    struct err err;
    size_t count;

    if (!mapping_document_parse(a, text, &again, NULL, &err)) {
        assert(err.kind == ERR_LIMIT); /* defaults can make it larger than a schema may be */
        return;
    }
    if (!mapping_document_check(a, again, &again, NULL, &findings, &err)) {
        /* Canonical blanks can make an expression longer than it may be. */
        for (; findings; findings = findings->next)
            assert(strcmp(findings->code, "TooLong") == 0);
        return;
    }
    assert(str_eq(mapping_document_text(a, again), text));
    assert(mapping_document_same(document, again));
    mapping_document_compare(a, document, again, 0, &list, &count);
    assert(count == 0 && !list);
}

static void golden_cases_end(struct arena *a, const struct mapping_program *program,
                             const struct json *document)
{
    struct mapping_golden golden;
    struct rng_seeded rng;

    rng_seeded_init(&rng, 1);
    mapping_golden_run(a, program, document, 1700000000000000, &rng.rng, &golden);
    assert(golden.failed <= golden.count);
    for (size_t i = 0; i < golden.count; i++)
        assert(golden.results[i].passed == (golden.results[i].line_count == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct str text = {(const char *)data, size};
    const struct mapping_program *program;
    struct mapping_finding *findings = NULL;
    struct mapping_difference *list;
    struct json *given;
    struct json *document;
    struct json *empty;
    struct err err = {0};
    struct str before;
    size_t offset = 0;
    size_t count;

    if (!mapping_document_parse(a, text, &given, &offset, &err)) {
        assert(offset <= size && err.message[0]);
        return 0;
    }
    before = json_text(a, given);
    if (!mapping_document_check(a, given, &document, &program, &findings, &err)) {
        refused_with_reasons(findings, &err);
        assert(str_eq(json_text(a, given), before));
        return 0;
    }
    assert(str_eq(json_text(a, given), before));
    stays_the_same(a, document);
    golden_cases_end(a, program, document);
    empty = mapping_document_complete(a, json_new(a, JSON_OBJECT));
    mapping_document_compare(a, empty, document, 20, &list, &count);
    assert((count == 0) == mapping_document_same(empty, document));
    return 0;
}
