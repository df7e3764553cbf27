/* The messages of the protocol: errors, lists and the discovery documents (RFC 7643 sections 5 to
 * 8, RFC 7644 section 3, scim.md 1.14, 2.5, 5.1, 8). */
#pragma once

#include "base/buf.h"
#include "scim/schema.h"

/* {"schemas":[...Error],"status":"409","scimType":"uniqueness","detail":"..."}; scim_type may be
 * empty. */
void scim_error_write(struct buf *out, int status, struct str scim_type, struct str detail);

/* A ListResponse: begin, then the resources separated by commas, then end. */
void scim_list_begin(struct buf *out, int64_t total, int64_t start_index, int64_t items);
/* The same for a page found by a cursor; `next` is empty on the last page. */
void scim_list_begin_cursor(struct buf *out, int64_t total, int64_t items, struct str next);
/* The same as some servers do it: without totalResults, and with "resources". */
void scim_list_begin_bare(struct buf *out, int64_t items, struct str next);
void scim_list_end(struct buf *out);

/* A BulkResponse: begin, then the operations separated by commas, then scim_list_end. */
void scim_bulk_begin(struct buf *out);

/* What a server can do, for ServiceProviderConfig. */
struct scim_service {
    bool patch, bulk, change_password, sort, etag, cursor;
    bool no_index; /* lists come by cursor only */
    int64_t bulk_max_operations, bulk_max_payload;
    int64_t filter_max_results, default_page, max_page, cursor_timeout_s;
    struct str tolerances; /* a JSON object that tells which are on; empty: not told */
};
/* `location` is the base URL; resources link to themselves below it. */
void scim_config_write(struct buf *out, const struct scim_service *service, struct str base);
void scim_resource_type_write(struct buf *out, const struct scim_resource_type *type,
                              struct str base);
void scim_schema_write(struct buf *out, const struct scim_schema *schema, struct str base);
