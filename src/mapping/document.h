/* The synchronization schema as a document (graph-api.md 3.6, attribute-mappings.md 13): reading,
 * checking everything at once, filling in defaults, writing it back so that the same content always
 * gives the same bytes. A document in this sense has every known member in a fixed order, canonical
 * names of enumerations, both forms of each source, and after them whatever else was in it. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "mapping/program.h"

#define MAPPING_DOCUMENT_MAX_BYTES (16u << 20)
/* Findings beyond these are counted only. */
#define MAPPING_FINDINGS_MAX 1000

/* Text to JSON within the limits of a schema. err->place is "byte N" and *out_offset, if not NULL,
 * is that N. */
MUST_USE bool mapping_document_parse(struct arena *a, struct str text, struct json **out,
                                     size_t *out_offset, struct err *err);

/* Completes a given schema and compiles it. All findings of both: wrong types and unknown values
 * anywhere, then what mapping_compile finds. *out and *out_program (which may be NULL) are set when
 * there is no finding; *out does not share values with `given`. ERR_INVALID "schemaInvalid". */
MUST_USE bool mapping_document_check(struct arena *a, const struct json *given, struct json **out,
                                     const struct mapping_program **out_program,
                                     struct mapping_finding **out_findings, struct err *err);
/* The same without compiling and without findings: for documents that were checked when they were
 * stored. What has a wrong type is kept as it is. */
struct json *mapping_document_complete(struct arena *a, const struct json *stored);

/* What a save keeps of the stored document (graph-api.md 3.6.1). Before checking: the top-level
 * members that are absent in what is given. */
void mapping_document_keep(struct arena *a, struct json *given, const struct json *stored);
/* Afterwards: its id, read-only directories, and the ids of rules and directories that the new one
 * does not give. Other missing ids come from rng. Both are complete. */
void mapping_document_adopt(struct arena *a, struct json *document, const struct json *stored,
                            struct rng *rng);
/* Mappings of rules that are not editable (attribute-mappings.md 13): findings when document
 * changes them. Both are complete. */
MUST_USE bool mapping_document_check_editable(struct arena *a, const struct json *document,
                                              const struct json *stored,
                                              struct mapping_finding **out_findings,
                                              struct err *err);
/* "Date:2026-03-01T09:20:11.1230000Z, ActivityId:..." */
void mapping_document_set_version(struct arena *a, struct json *document, int64_t now_us,
                                  struct rng *rng);
/* Equal but for id and version, which are not content. */
bool mapping_document_same(const struct json *a, const struct json *b);

/* As a file: two-space indent, ends with a newline. */
struct str mapping_document_text(struct arena *a, const struct json *document);

/* --- Comparing --- */

/* One difference in words: "Provision users to X: mapping 'title': the source is now ...". */
struct mapping_difference {
    struct str pointer; /* in the newer document; of something removed, in the older one */
    struct str where;   /* "USER_OUTBOUND_USER / User / title"; empty at the top */
    struct str text;    /* "the source is now [jobTitle], was [department]" */
    struct mapping_difference *next;
};
/* Both are complete. No difference exactly when mapping_document_same. *out_count counts all of
 * them; the list ends after max (0: no limit). */
void mapping_document_compare(struct arena *a, const struct json *before, const struct json *after,
                              size_t max, struct mapping_difference **out, size_t *out_count);

/* --- Editing: the attribute mappings and filters of the enabled object mapping for a kind --- */

/* The object mapping as JSON; NULL if there is none. Its members may be changed in place. */
struct json *mapping_document_object(struct json *document, enum source_kind kind);
/* The attribute mapping of a target attribute; NULL if there is none. */
struct json *mapping_document_attribute(struct json *object_mapping, struct str target);

/* --- Golden cases (attribute-mappings.md 14) --- */

/* What a case found: nothing wrong, or one line for each thing that is not as expected. */
struct mapping_golden_result {
    struct str name;
    bool passed;
    struct str *lines;
    size_t line_count;
};
struct mapping_golden {
    struct mapping_golden_result *results;
    size_t count;
    size_t failed;
};
/* Runs all golden cases of a complete, checked document against its program. */
void mapping_golden_run(struct arena *a, const struct mapping_program *program,
                        const struct json *document, int64_t now_us, struct rng *rng,
                        struct mapping_golden *out);
/* A case from a source object as it is mapped now: what a creation would be given. */
struct json *mapping_golden_case(struct arena *a, const struct mapping_object *m, struct str name,
                                 const struct mapping_source *source, int64_t now_us,
                                 struct rng *rng);
