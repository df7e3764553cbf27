#include "scim/message.h"

#include "base/json.h"

#define CORE    "urn:ietf:params:scim:schemas:core:2.0:"
#define MESSAGE "urn:ietf:params:scim:api:messages:2.0:"

static void add_key(struct buf *out, const char *key)
{
    if (out->len > 0 && out->ptr[out->len - 1] != '{' && out->ptr[out->len - 1] != '[')
        buf_add_char(out, ',');
    buf_add_char(out, '"');
    buf_add_z(out, key);
    buf_add_z(out, "\":");
}

static void add_text(struct buf *out, const char *key, struct str text)
{
    add_key(out, key);
    json_write_text(out, text);
}

static void add_text_if(struct buf *out, const char *key, struct str text)
{
    if (text.len > 0)
        add_text(out, key, text);
}

static void add_int(struct buf *out, const char *key, int64_t n)
{
    add_key(out, key);
    buf_add_int(out, n);
}

static void add_bool(struct buf *out, const char *key, bool b)
{
    add_key(out, key);
    buf_add_z(out, b ? "true" : "false");
}

/* "a,b" as ["a","b"]; nothing when empty. */
static void add_words(struct buf *out, const char *key, struct str words)
{
    bool more = words.len > 0;
    const char *before = "[";
    struct str word;

    if (!more)
        return;
    add_key(out, key);
    while (more) {
        more = str_cut(&words, ',', &word);
        buf_add_z(out, before);
        json_write_text(out, word);
        before = ",";
    }
    buf_add_char(out, ']');
}

static void begin(struct buf *out, const char *schema)
{
    buf_addf(out, "{\"schemas\":[\"%s\"]", schema);
}

static void add_meta(struct buf *out, const char *type, struct str base, const char *path,
                     struct str id)
{
    buf_addf(out, ",\"meta\":{\"resourceType\":\"%s\",\"location\":\"%.*s%s%.*s\"}}", type,
             STR_ARG(base), path, STR_ARG(id));
}

void scim_error_write(struct buf *out, int status, struct str scim_type, struct str detail)
{
    begin(out, MESSAGE "Error");
    buf_addf(out, ",\"status\":\"%d\"", status);
    add_text_if(out, "scimType", scim_type);
    add_text_if(out, "detail", detail);
    buf_add_char(out, '}');
}

void scim_list_begin(struct buf *out, int64_t total, int64_t start_index, int64_t items)
{
    begin(out, MESSAGE "ListResponse");
    add_int(out, "totalResults", total);
    add_int(out, "startIndex", start_index);
    add_int(out, "itemsPerPage", items);
    buf_add_z(out, ",\"Resources\":[");
}

void scim_list_begin_cursor(struct buf *out, int64_t total, int64_t items, struct str next)
{
    begin(out, MESSAGE "ListResponse");
    add_int(out, "totalResults", total);
    add_int(out, "itemsPerPage", items);
    add_text_if(out, "nextCursor", next);
    buf_add_z(out, ",\"Resources\":[");
}

void scim_list_begin_bare(struct buf *out, int64_t items, struct str next)
{
    begin(out, MESSAGE "ListResponse");
    add_int(out, "itemsPerPage", items);
    add_text_if(out, "nextCursor", next);
    buf_add_z(out, ",\"resources\":[");
}

void scim_list_end(struct buf *out)
{
    buf_add_z(out, "]}");
}

void scim_bulk_begin(struct buf *out)
{
    begin(out, MESSAGE "BulkResponse");
    buf_add_z(out, ",\"Operations\":[");
}

static void add_supported(struct buf *out, const char *key, bool supported)
{
    add_key(out, key);
    buf_add_char(out, '{');
    add_bool(out, "supported", supported);
}

void scim_config_write(struct buf *out, const struct scim_service *service, struct str base)
{
    begin(out, CORE "ServiceProviderConfig");
    add_supported(out, "patch", service->patch);
    buf_add_char(out, '}');
    add_supported(out, "bulk", service->bulk);
    add_int(out, "maxOperations", service->bulk_max_operations);
    add_int(out, "maxPayloadSize", service->bulk_max_payload);
    buf_add_char(out, '}');
    add_supported(out, "filter", true);
    add_int(out, "maxResults", service->filter_max_results);
    buf_add_char(out, '}');
    add_supported(out, "changePassword", service->change_password);
    buf_add_char(out, '}');
    add_supported(out, "sort", service->sort);
    buf_add_char(out, '}');
    add_supported(out, "etag", service->etag);
    buf_add_z(out, "},\"authenticationSchemes\":[{\"type\":\"oauthbearertoken\",\"name\":\"Bearer "
                   "token\",\"description\":\"A key of the tenant in the Authorization "
                   "header\",\"specUri\":\"https://www.rfc-editor.org/info/rfc6750\",\"primary\":"
                   "true}],\"pagination\":{");
    add_bool(out, "cursor", service->cursor);
    add_bool(out, "index", !service->no_index);
    add_text(out, "defaultPaginationMethod", service->no_index ? STR("cursor") : STR("index"));
    add_int(out, "defaultPageSize", service->default_page);
    add_int(out, "maxPageSize", service->max_page);
    if (service->cursor)
        add_int(out, "cursorTimeout", service->cursor_timeout_s);
    buf_add_char(out, '}');
    if (service->tolerances.len > 0)
        buf_addf(out, ",\"tolerances\":%.*s", STR_ARG(service->tolerances));
    add_meta(out, "ServiceProviderConfig", base, "/ServiceProviderConfig", STR(""));
}

void scim_resource_type_write(struct buf *out, const struct scim_resource_type *type,
                              struct str base)
{
    begin(out, CORE "ResourceType");
    add_text(out, "id", type->name);
    add_text(out, "name", type->name);
    add_text_if(out, "description", type->description);
    add_text(out, "endpoint", type->endpoint);
    add_text(out, "schema", type->core->urn);
    if (type->extension_count > 0) {
        add_key(out, "schemaExtensions");
        buf_add_char(out, '[');
        for (size_t i = 0; i < type->extension_count; i++) {
            buf_add_z(out, i > 0 ? ",{" : "{");
            add_text(out, "schema", type->extensions[i]->urn);
            add_bool(out, "required", scim_extension_required(type, i));
            buf_add_char(out, '}');
        }
        buf_add_char(out, ']');
    }
    add_meta(out, "ResourceType", base, "/ResourceTypes/", type->name);
}

static void add_attributes(struct buf *out, const char *key, const struct scim_attribute *table,
                           size_t count);

static void add_attribute(struct buf *out, const struct scim_attribute *attribute)
{
    static const char *const mutability[] = {[SCIM_READ_WRITE] = "readWrite",
                                             [SCIM_READ_ONLY] = "readOnly",
                                             [SCIM_IMMUTABLE] = "immutable",
                                             [SCIM_WRITE_ONLY] = "writeOnly"};
    static const char *const returned[] = {[SCIM_BY_DEFAULT] = "default",
                                           [SCIM_ALWAYS] = "always",
                                           [SCIM_NEVER] = "never",
                                           [SCIM_ON_REQUEST] = "request"};
    static const char *const uniqueness[] = {[SCIM_NOT_UNIQUE] = "none",
                                             [SCIM_UNIQUE_SERVER] = "server",
                                             [SCIM_UNIQUE_GLOBAL] = "global"};

    buf_add_char(out, '{');
    add_text(out, "name", attribute->name);
    add_text(out, "type", scim_type_name(attribute->type));
    add_bool(out, "multiValued", attribute->multi);
    add_text_if(out, "description", attribute->description);
    add_bool(out, "required", attribute->required);
    add_words(out, "canonicalValues", attribute->canonical);
    if (attribute->type == SCIM_STRING || attribute->type == SCIM_REFERENCE ||
        attribute->type == SCIM_BINARY)
        add_bool(out, "caseExact", attribute->case_exact);
    add_text(out, "mutability", str_from_z(mutability[attribute->mutability]));
    add_text(out, "returned", str_from_z(returned[attribute->returned]));
    add_text(out, "uniqueness", str_from_z(uniqueness[attribute->uniqueness]));
    add_words(out, "referenceTypes", attribute->references);
    if (attribute->sub_count > 0)
        add_attributes(out, "subAttributes", attribute->subs, attribute->sub_count);
    buf_add_char(out, '}');
}

static void add_attributes(struct buf *out, const char *key, const struct scim_attribute *table,
                           size_t count)
{
    add_key(out, key);
    buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        add_attribute(out, &table[i]);
    }
    buf_add_char(out, ']');
}

void scim_schema_write(struct buf *out, const struct scim_schema *schema, struct str base)
{
    begin(out, CORE "Schema");
    add_text(out, "id", schema->urn);
    add_text(out, "name", schema->name);
    add_text_if(out, "description", schema->description);
    add_attributes(out, "attributes", schema->attributes, schema->count);
    add_meta(out, "Schema", base, "/Schemas/", schema->urn);
}
