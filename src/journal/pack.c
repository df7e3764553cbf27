#include "journal/pack.h"

#include <zlib.h>

/* Dictionary 1. Never changed once records were written with it; a better one gets the next number.
 * What is most frequent is at the end. It has to be shorter than the window. */
static const char dictionary[] =
    "EntryConflictInsufficientRightsMandatoryFieldsMissingSystemForCrossDomainIdentityManagement"
    "ServiceIncompatibleUnableToResolveReferenceAttributeValueDuplicateTargetEntries"
    "\"request\":\"POST /Users PATCH /Groups/ {\\\"schemas\\\":[\\\"urn:ietf:params:scim:api:messages:2.0:"
    "PatchOp\\\"],\\\"Operations\\\":[{\\\"op\\\":\\\"replace\\\",\\\"path\\\":\\\"\",\"answer\":\"HTTP 4"
    "500 409 {\\\"schemas\\\":[\\\"urn:ietf:params:scim:api:messages:2.0:Error\\\"],\\\"detail\\\":\\\""
    "\\\",\\\"scimType\\\":\\\"uniqueness\\\",\\\"status\\\":\\\"409\\\"}\""
    "[4,\"EntrySynchronizationUpdate\",0,\"Managers and members: members added, removed"
    "[3,\"EntrySynchronizationDelete\",0,\"The account is to be disabled: it is not assigned to the "
    "application it was deleted for good in the source accountEnabled is false in the source"
    "[2,\"EntrySynchronizationMatch\",1,\"Account no longer exists in the target: matching again"
    "[5,\"EntryExportDelete\",0,\"Account deleted\",null]"
    "[5,\"EntrySynchronizationSkip\",2,\"The account says already what it should\",null]"
    "[1,\"EntrySynchronizationScoping\",2,\"Out of scope: "
    "[0,\"EntryImportDelete\",0,\"' no longer exists in the source"
    "\"extensionAttribute2\":\"\",\"extensionAttribute3\":\"\",\"memberOf\":[\"\",\"otherMails\":[\"\"],"
    "\"proxyAddresses\":[\"SMTP:\"],\"faxNumber\":\"\",\"middleName\":\"\",\"userType\":\"Guest\","
    "[\"title\",null,\"[\"nickName\",null,\"[\"preferredLanguage\",null,\"[\"locale\",null,\"[\"timezone\","
    "null,\"[\"userType\",null,\"[\"roles\",null,\"[\"phoneNumbers[type eq \\\"work\\\"].value\",null,\""
    "[\"phoneNumbers[type eq \\\"fax\\\"].value\",null,\"[\"emails[type eq \\\"other\\\"].value\",null,\""
    "[\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber\",null,\""
    "[\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager\",null,\"division\",null,\""
    "costCenter\",null,\"organization\",null,\"[\"members\",null,["
    "{\"s\":[[0,\"EntryImportUpdate\",0,\"Received '"
    "[3,\"EntrySynchronizationUpdate\",0,\" attributes differ from what was last exported\",null],"
    "[2,\"EntrySynchronizationMatch\",0,\"Connected to account \",{\"userName\":\"\",\"active\":true}],"
    "[5,\"EntryExportUpdate\",0,\"Account updated:  attributes\",null]],\"p\":[["
    "{\"h\":[0,\"\",\"\",0,\"\",\"\",\"system\"],"
    "\"s\":[[0,\"EntryImportAdd\",0,\"Received '' from the source\",{\"objectId\":\"01\","
    "\"userPrincipalName\":\"@example.com\",\"displayName\":\"\",\"givenName\":\"\",\"surname\":\"\","
    "\"mail\":\"@example.com\",\"mailNickname\":\"\",\"preferredLanguage\":\"en-GB\",\"streetAddress\":\"\","
    "\"city\":\"\",\"state\":\"\",\"postalCode\":\"\",\"country\":\"\",\"usageLocation\":\"\","
    "\"physicalDeliveryOfficeName\":\"\",\"telephoneNumber\":\"+\",\"mobile\":\"+\",\"jobTitle\":\"\","
    "\"department\":\"\",\"companyName\":\"\",\"employeeId\":\"\",\"employeeType\":\"Employee\","
    "\"employeeHireDate\":\"20-01-T00:00:00.000Z\",\"employeeOrgData.costCenter\":\"\","
    "\"employeeOrgData.division\":\"\",\"extensionAttribute1\":\"\",\"manager\":\"01\","
    "\"accountEnabled\":true,\"createdDateTime\":\"2026-01-01T00:00:00.000Z\","
    "\"originalUserPrincipalName\":\"\",\"userType\":\"Member\",\"memberOf\":[\"\"]}],"
    "[1,\"EntrySynchronizationScoping\",0,\"In scope\",{\"Active in the source system\":\"True\","
    "\"Assigned to the application\":\"True\",\"Scope sync all\":\"False\","
    "\"Scoping filter evaluation passed\":\"True\"}],"
    "[2,\"EntrySynchronizationMatch\",0,\"0 accounts found by userName\",{}],"
    "[5,\"EntryExportAdd\",0,\"Created as \",null]],"
    "\"p\":[[\"userName\",null,\"\"],[\"active\",null,true],[\"displayName\",null,\"\"],"
    "[\"emails[type eq \\\"work\\\"].value\",null,\"\"],[\"name.givenName\",null,\"\"],"
    "[\"name.familyName\",null,\"\"],[\"name.formatted\",null,\"\"],"
    "[\"addresses[type eq \\\"work\\\"].formatted\",null,\"\"],"
    "[\"addresses[type eq \\\"work\\\"].streetAddress\",null,\"\"],"
    "[\"addresses[type eq \\\"work\\\"].locality\",null,\"\"],"
    "[\"addresses[type eq \\\"work\\\"].region\",null,\"\"],"
    "[\"addresses[type eq \\\"work\\\"].postalCode\",null,\"\"],"
    "[\"addresses[type eq \\\"work\\\"].country\",null,\"\"],"
    "[\"phoneNumbers[type eq \\\"mobile\\\"].value\",null,\"+\"],[\"externalId\",null,\"\"],"
    "[\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\",null,\"\"]]}";

enum { PLAIN, DEFLATED_1 };
/* A small window and little memory: these texts are short, and the state is made for each. */
enum { WINDOW_BITS = 13, MEM_LEVEL = 6, LEVEL = 4, LENGTH_BYTES_MAX = 5 };
static_assert(sizeof(dictionary) < 1 << WINDOW_BITS, "all of the dictionary is in the window");

static void write_head(struct buf *out, char kind, size_t len)
{
    buf_add_char(out, kind);
    for (; len >= 0x80; len >>= 7)
        buf_add_char(out, (char)(0x80 | (len & 0x7F)));
    buf_add_char(out, (char)len);
}

static bool read_head(struct str *packed, char *kind, size_t *len)
{
    *len = 0;
    if (packed->len < 2)
        return false;
    *kind = packed->ptr[0];
    for (size_t i = 1; i < packed->len && i <= LENGTH_BYTES_MAX; i++) {
        unsigned char c = (unsigned char)packed->ptr[i];

        *len |= (size_t)(c & 0x7F) << 7 * (i - 1);
        if (c < 0x80) {
            *packed = str_from(*packed, i + 1);
            return true;
        }
    }
    return false;
}

/* zlib's interface takes what it only reads without const. */
static unsigned char *bytes_of(const char *text)
{
    union {
        const char *in;
        unsigned char *out;
    } same = {.in = text};

    return same.out;
}

static bool deflate_text(struct buf *out, struct str text)
{
    z_stream z = {.next_in = bytes_of(text.ptr), .avail_in = (uInt)text.len};
    size_t before = out->len;
    bool done;

    if (deflateInit2(&z, LEVEL, Z_DEFLATED, -WINDOW_BITS, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    z.avail_out = (uInt)text.len; /* what gets longer is kept as it is */
    z.next_out = (unsigned char *)buf_extend(out, z.avail_out);
    done = z.next_out &&
           deflateSetDictionary(&z, bytes_of(dictionary), sizeof(dictionary) - 1) == Z_OK &&
           deflate(&z, Z_FINISH) == Z_STREAM_END;
    out->len = before + (done ? z.total_out : 0);
    deflateEnd(&z);
    return done;
}

static bool inflate_text(struct str packed, struct buf *out, size_t len)
{
    z_stream z = {.next_in = bytes_of(packed.ptr), .avail_in = (uInt)packed.len};
    bool done;

    if (inflateInit2(&z, -WINDOW_BITS) != Z_OK)
        return false;
    z.next_out = (unsigned char *)buf_extend(out, len);
    z.avail_out = (uInt)len;
    done = z.next_out &&
           inflateSetDictionary(&z, bytes_of(dictionary), sizeof(dictionary) - 1) == Z_OK &&
           inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == len;
    inflateEnd(&z);
    return done;
}

void pack_write(struct buf *out, struct str text)
{
    size_t before = out->len;

    write_head(out, DEFLATED_1, text.len);
    if (deflate_text(out, text))
        return;
    out->len = before;
    write_head(out, PLAIN, text.len);
    buf_add(out, text);
}

bool pack_read(struct str packed, size_t max, struct buf *out, struct err *err)
{
    size_t len;
    char kind;
    bool ok = read_head(&packed, &kind, &len) && len <= max;

    buf_init(out, max);
    if (ok && kind == PLAIN) {
        buf_add(out, packed);
        ok = packed.len == len;
    } else if (ok) {
        ok = kind == DEFLATED_1 && inflate_text(packed, out, len);
    }
    if (ok)
        return true;
    buf_done(out);
    buf_init(out, max);
    return err_set(err, ERR_INTERNAL, "journalUnreadable",
                   "a record of the provisioning log cannot be unpacked");
}
