#include "journal/advice.h"

#define RIGHTS \
    "Give the token the rights to do this in the application; its set-up guide names them"
#define RETRIED "Nothing: it is tried again by itself"

static const struct journal_advice table[] = {
    {STR_INIT("Conflict"), false,
     "Change the value on either side; if the other account should have been taken over, check the "
     "matching attribute"},
    {STR_INIT("EntryConflict"), false,
     "Change the value on either side; if the other account should have been taken over, check the "
     "matching attribute"},
    {STR_INIT("TooManyRequests"), false, RETRIED},
    {STR_INIT("InternalServerError"), false, RETRIED},
    {STR_INIT("WebExceptionProtocolError"), false, RETRIED},
    {STR_INIT("Timeout"), false, RETRIED},
    {STR_INIT("InternalError"), true, RETRIED},
    {STR_INIT("InsufficientRights"), false, RIGHTS},
    {STR_INIT("MethodNotAllowed"), false, RIGHTS},
    {STR_INIT("NotPermitted"), false, RIGHTS},
    {STR_INIT("Unauthorized"), false, RIGHTS},
    {STR_INIT("UnprocessableEntity"), false,
     "Check what the application accepts; its set-up guide and the answer say more"},
    {STR_INIT("NotImplemented"), false,
     "Check what the application accepts; its set-up guide and the answer say more"},
    {STR_INIT("InvalidAnchor"), false,
     "Make sure that the account exists in the application, or restart with scope Full"},
    {STR_INIT("MandatoryFieldsMissing"), false, "Fill in the source value, or map the attribute"},
    {STR_INIT("MissingValues"), false, "Fill in the source value, or map the attribute"},
    {STR_INIT("SchemaAttributeNotFound"), false,
     "Correct the mapping: the application does not know the attribute"},
    {STR_INIT("InvalidDomain"), false, "Change the value, or allow its domain in the application"},
    {STR_INIT("LicenseLimitExceeded"), false, "Buy seats in the application, or narrow the scope"},
    {STR_INIT("DuplicateTargetEntries"), false,
     "Remove the duplicates in the application, or match by another attribute"},
    {STR_INIT("DuplicateSourceEntries"), false,
     "Remove the duplicates in the directory, or match by another attribute"},
    {STR_INIT("ImportSkipped"), false, "Fill in the matching value, or match by another attribute"},
    {STR_INIT("MultipleEntriesInResponse"), false,
     "Correct the application's endpoint: it answers several resources where one is asked for"},
    {STR_INIT("ServiceIncompatible"), false,
     "Correct the application's endpoint: its answer is not SCIM"},
    {STR_INIT("ServiceIncompatibleFiltering"), false,
     "Correct the application's endpoint: it does not answer a filter on the matching attribute"},
    {STR_INIT("SchemaPropertyCanOnlyAcceptValue"), false,
     "Correct the mapping or the value: the attribute takes one value"},
    {STR_INIT("UnableToResolveReferenceAttributeValue"), false,
     "Bring the referenced object into scope"},
};

const struct journal_advice *journal_advice_find(struct str code)
{
    const struct str prefix = STR("SystemForCrossDomainIdentityManagement");

    if (str_starts(code, prefix))
        code = str_from(code, prefix.len);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_eq(table[i].code, code))
            return &table[i];
    }
    return NULL;
}
