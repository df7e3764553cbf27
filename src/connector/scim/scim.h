/* The SCIM target inside (scim.md 10 to 12): what its files share. compile.c works the mapping
 * out once, request.c writes requests from it, read.c reads accounts, error.c judges
 * answers, test.c tests the connection, target.c moves the calls. Inside src/connector/scim.
 */
#pragma once

#include "connector/target.h"
#include "http/client.h"
#include "job/settings.h"

enum {
    SCIM_TERMS_MAX = 2,
    SCIM_ATTRIBUTES_MAX = 2000, /* of an object mapping */
    SCIM_BODY_MAX = 4 << 20,    /* bytes of a request body */
    SCIM_ANSWER_MAX = 64 << 20, /* bytes of an answer */
    SCIM_URL_MAX = 64 << 10,    /* bytes */
    SCIM_ID_MAX = 1024          /* bytes; a longer one is no id */
};

/* How requests are written: the settings of scim.md 10.5 with their dialect's defaults filled in.
 */
struct scim_style {
    enum client_dialect dialect;
    bool combine;       /* several simple attributes in one replace without path */
    bool member_array;  /* members are removed by a list of them */
    bool empty_replace; /* a value is cleared by "" */
    bool plus;          /* a blank in a filter is '+' */
    bool primary_for_work, send_meta;
    enum client_manager manager;
    size_t max_ops, max_members;
};

/* One `name eq literal` of a value filter. */
struct scim_term {
    struct str name;
    const struct json *value; /* a text, or a boolean for "primary" */
};

/* The target attribute of one mapping, taken apart. */
struct scim_attribute {
    const struct mapping_attribute *mapping;
    struct str urn; /* of the extension; empty for a core attribute */
    struct str name;
    struct scim_term terms[SCIM_TERMS_MAX];
    size_t term_count;
    struct str sub;       /* or empty */
    struct str path;      /* as written in requests */
    struct str path_json; /* the same as a JSON string, with its quotes */
    struct str filter;    /* the path with everything that precedes the value: `userName eq ` */
    struct str list_json; /* the path without filter and sub-attribute, as a JSON string */
    const struct scim_body *element; /* with terms: its element in the body of a create */
    bool value_objects; /* elements are objects with a value: "emails" mapped as a whole */
};

/* The body of a create as a tree. Only what has a value is written. */
enum scim_body_kind { BODY_VALUE, BODY_OBJECT, BODY_ARRAY, BODY_ELEMENT };
struct scim_body {
    enum scim_body_kind kind;
    struct str name;  /* of the member; of an element: its terms as text */
    struct str head;  /* `"name":` */
    struct str fixed; /* BODY_ELEMENT: the members that its terms give */
    bool primary;     /* BODY_ELEMENT: carries "primary":true */
    size_t attribute; /* BODY_VALUE: its place in the mapping */
    struct scim_body *first, *last, *next;
};

struct scim_filter;

struct scim_object {
    const struct mapping_object *mapping;
    const struct scim_style *style;
    struct str endpoint; /* "/Users" */
    struct str type;     /* "User" */
    struct str core_urn;
    struct scim_attribute *attributes; /* in the order of the mapping */
    struct scim_body core;
    struct scim_body extensions;       /* an object for each URN */
    const struct scim_filter *protect; /* protect.h; NULL: none */
    bool no_patch;                     /* found out: they are changed by PUT */
    bool patched;                      /* a PATCH has succeeded */
};

/* The style is borrowed. */
MUST_USE bool scim_compile(struct arena *a, const struct mapping_object *m,
                           const struct scim_style *style, struct scim_object *out,
                           struct err *err);

/* --- Requests --- */

/* The base URL in parts. */
struct scim_base {
    struct str url;              /* without a final slash and without query */
    size_t path_at;              /* where the path begins in it */
    struct str query;            /* to be sent with every request; empty if none */
    enum client_dialect dialect; /* that a flag in the URL asks for; RFC: there was none */
};
/* ERR_INVALID "badUrl". */
MUST_USE bool scim_base_parse(struct arena *a, struct str text, bool allow_http,
                              struct scim_base *out, struct err *err);

/* `shown` is what of the URL may be shown to people: without host and kept query. */
void scim_write_find_url(struct buf *out, const struct scim_base *base, const struct scim_object *o,
                         const struct mapping_criterion *by, struct str *shown);
void scim_write_url(struct buf *out, const struct scim_base *base, const struct scim_object *o,
                    struct str id, enum http_method method, struct str *shown);

/* A page of a list. Cursors are ours: "" (the first page), "N" (from the N-th resource on), "cTEXT"
 * (a cursor of the server). */
void scim_write_list_url(struct buf *out, const struct scim_base *base, const struct scim_object *o,
                         const struct target_page *page, struct str *shown);

enum scim_secrets { SCIM_SECRETS_SENT, SCIM_SECRETS_MASKED };
void scim_write_create(struct buf *out, const struct scim_object *o,
                       const struct mapping_changes *want, enum scim_secrets secrets);
/* One request for the changes from *io_at on (0: the first), which moves behind them; false when it
 * would be empty. resource: the account as it was just read, or NULL: then a path with a filter is
 * taken to find its element. An element that is not there is added as a whole. */
bool scim_write_patch(struct buf *out, const struct scim_object *o,
                      const struct mapping_changes *changes, const struct json *resource,
                      enum scim_secrets secrets, size_t *io_at);
/* Nothing is left to send from there on. */
bool scim_patch_is_complete(const struct scim_object *o, const struct mapping_changes *changes,
                            size_t at);
enum scim_member_op { SCIM_MEMBERS_ADD, SCIM_MEMBERS_REMOVE };
void scim_write_members(struct buf *out, const struct scim_style *style,
                        const struct scim_attribute *attribute, enum scim_member_op op,
                        const struct str *ids, size_t count);

/* The resource with the changes, for PUT (scim.md 10.4): what is not mapped is kept, `meta` goes.
 * False when nothing differs. */
bool scim_merge(struct arena *a, const struct scim_object *o, const struct mapping_changes *changes,
                struct json *resource);
/* Whether the resource names any member. */
bool scim_shows_members(const struct scim_attribute *t, const struct json *resource);
/* Gives it these, and no others. */
void scim_set_members(struct arena *a, const struct scim_attribute *t, struct json *resource,
                      const struct str *ids, size_t count);
/* The same for members; false when there would be more than `max`. *out_changed: something differs.
 */
bool scim_merge_members(struct arena *a, const struct scim_attribute *t, struct json *resource,
                        const struct str *add, size_t add_count, const struct str *remove,
                        size_t remove_count, size_t max, bool *out_changed);

/* --- Answers --- */

/* The last segment of a Location; empty if it is no id. */
struct str scim_read_location(struct arena *a, struct str location);
/* Values are flat {target attribute: value} in the types of the mapping. The id is empty if there
 * is none that can be kept: over SCIM_ID_MAX bytes, not UTF-8, or with a control character. */
void scim_read_record(struct arena *a, const struct scim_object *o, const struct json *resource,
                      struct target_record *out);
/* Does the element have what the terms say? */
bool scim_terms_hold(const struct scim_attribute *t, const struct json *element);
/* Does the account have the element that the terms mean? */
bool scim_has_element(const struct scim_attribute *t, const struct json *resource);
struct scim_list {
    const struct json *resources; /* an array, or NULL */
    int64_t total;                /* what the server says, or what there is */
    bool total_said;
    size_t count;
    struct str next; /* nextCursor; empty if there is none */
};
/* False when the document is not a list of resources. */
bool scim_read_list(const struct json *document, struct scim_list *out);
/* Does the account have the value asked for? A server may have ignored the filter. */
bool scim_matches(const struct target_record *record, const struct mapping_criterion *by);

/* --- Judgement --- */

enum scim_action {
    SCIM_FIND,
    SCIM_LIST,
    SCIM_READ,
    SCIM_CREATE,
    SCIM_UPDATE,
    SCIM_MEMBERS,
    SCIM_REMOVE
};

/* What was asked, for messages. */
struct scim_asked {
    enum scim_action action;
    enum http_method method;
    struct str shown;          /* path and query */
    struct str request_id;     /* ours */
    const struct str *secrets; /* texts that must not be shown */
    size_t secret_count;
};
/* Fills status, class, code, message, http_status, retry_after_ms and duration of an answer that is
 * not a success (engine.md 9.3). Texts belong to a. */
void scim_judge(struct arena *a, const struct scim_asked *asked, const struct http_answer *answer,
                struct target_result *out);
/* A failure that the answer's status does not show. */
void scim_fail(struct arena *a, const struct scim_asked *asked, const struct http_answer *answer,
               enum target_class class_, const char *code, const char *why,
               struct target_result *out);
/* The scimType of an error body; empty if there is none. */
struct str scim_error_type(struct arena *a, struct str body);
/* What was answered, for people: at most max bytes of the body, one line of UTF-8, secrets masked.
 */
struct str scim_excerpt(struct arena *a, struct str body, size_t max, const struct str *secrets,
                        size_t secret_count);

/* --- The target --- */

struct scim_target;

/* Asks for an account that cannot exist and waits for the answer: for the connection test. The
 * texts of the answer are copied to a. */
void scim_target_get(struct scim_target *t, struct arena *a, const struct scim_object *o,
                     struct str *out_shown, struct http_answer *out);
/* NULL when the mapping has no such object. */
const struct scim_object *scim_target_object(const struct scim_target *t, enum source_kind kind);
/* The texts that must not show in a message, valid until the loop is turned again; how many. */
enum { SCIM_OWN_SECRETS = 5 };
size_t scim_target_secrets(const struct scim_target *t, struct str *out);
bool scim_test(struct target *t, struct err *err);
