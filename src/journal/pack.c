#include "journal/pack.h"

#include "base/arena.h"

#include <zstd.h>

/* Dictionary 1. Never changed once records were written with it; a better one gets the next number.
 * What is most frequent is at the end. */
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

enum { PLAIN, ZSTD_1, ZSTD_ALONE };
/* The third part of the time of deflate for the same size (docs/decisions/0008-packed-journal.md).
 */
enum {
    LEVEL = 3,
    LENGTH_BYTES_MAX = 5,
    ALONE_FROM = 24 << 10, /* bytes: a text so long is its own dictionary */
};

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

struct packer *packer_new(void)
{
    struct packer *p = mem_alloc(sizeof(*p));

    p->room = ZSTD_createCCtx();
    p->dictionary = ZSTD_createCDict(dictionary, sizeof(dictionary) - 1, LEVEL);
    p->last_subject = -1;
    buf_init(&p->texts, PACK_TEXT_MAX);
    buf_init(&p->detail, PACK_TEXT_MAX / 2);
    buf_init(&p->packed, PACK_TEXT_MAX + 64UL * 1024);
    return p;
}

void packer_free(struct packer *p)
{
    if (!p)
        return;
    ZSTD_freeCCtx(p->room);
    ZSTD_freeCDict(p->dictionary);
    buf_done(&p->texts);
    buf_done(&p->detail);
    buf_done(&p->packed);
    free(p);
}

static bool pack_text(struct packer *p, struct buf *out, struct str text, bool alone)
{
    size_t before = out->len;
    char *to = buf_extend(out, text.len); /* what gets longer is kept as it is */
    size_t len;

    if (!to || !p->room || !p->dictionary)
        return false;
    len = alone
              ? ZSTD_compressCCtx(p->room, to, text.len, text.ptr, text.len, LEVEL)
              : ZSTD_compress_usingCDict(p->room, to, text.len, text.ptr, text.len, p->dictionary);
    if (ZSTD_isError(len))
        return false;
    out->len = before + len;
    return true;
}

static bool unpack_text(struct str packed, struct buf *out, size_t len, bool alone)
{
    ZSTD_DCtx *room = ZSTD_createDCtx();
    char *to = buf_extend(out, len);
    bool ok =
        room && to &&
        ZSTD_decompress_usingDict(room, to, len, packed.ptr, packed.len, alone ? NULL : dictionary,
                                  alone ? 0 : sizeof(dictionary) - 1) == len;

    ZSTD_freeDCtx(room);
    return ok;
}

void pack_write(struct packer *p, struct buf *out, struct str text)
{
    bool alone = text.len >= ALONE_FROM;
    size_t before = out->len;

    write_head(out, alone ? ZSTD_ALONE : ZSTD_1, text.len);
    if (pack_text(p, out, text, alone))
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
        ok = (kind == ZSTD_1 || kind == ZSTD_ALONE) &&
             unpack_text(packed, out, len, kind == ZSTD_ALONE);
    }
    if (ok)
        return true;
    buf_done(out);
    buf_init(out, max);
    return err_set(err, ERR_INTERNAL, "journalUnreadable",
                   "a record of the provisioning log cannot be unpacked");
}
