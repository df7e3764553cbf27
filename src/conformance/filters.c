/* Filters, on an account that the check has made. Each is joined with the account's own name, so
 * that nobody else's account counts. */
#include "conformance/script.h"

#define WF    (NEEDS_WRITE | NEEDS_FILTER)
#define FOUND "= 200\n/totalResults is 1\n/Resources/0/id is \"<id>\"\n"
#define NONE  "= 200\n/totalResults is 0\n"
#define MINE  "userName eq \"<name>\" and "

/* Each element meets one half of what is asked for, none both. */
#define TWO_EMAILS                                                                             \
    "POST <users>\n{\"schemas\":[\"" CORE "User\"],\"userName\":\"<name>\",\"active\":true,"   \
    "\"displayName\":\"Check\",\"name\":{\"givenName\":\"Check\",\"familyName\":\"Account\"}," \
    "\"emails\":[{\"value\":\"<name>\",\"type\":\"work\",\"primary\":true},"                   \
    "{\"value\":\"home-<name>\",\"type\":\"home\"}]<required>}\nneed 201\nlet id /id\n"

#define FINDS(filter)  ACCOUNT "GET <users>?filter=" MINE filter "\n" FOUND
#define MISSES(filter) ACCOUNT "GET <users>?filter=" MINE filter "\n" NONE

static const struct check checks[] = {
    {"eq on userName finds the account", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     ACCOUNT "GET <users>?filter=userName eq \"<name>\"\n" FOUND},
    {"eq on userName has no case", "RFC 7643, 4.1.1", CHECK_MUST, WF,
     ACCOUNT "GET <users>?filter=userName eq \"<NAME>\"\n" FOUND},
    {"and with a term that does not hold", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     MISSES("title eq \"Nobody\"")},
    {"ne", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, FINDS("title ne \"Pilot\"")},
    {"co", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, FINDS("title co \"est\"")},
    {"sw", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, FINDS("title sw \"Test\"")},
    {"ew", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, FINDS("title ew \"ter\"")},
    {"pr of what is there", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, FINDS("title pr")},
    {"pr of what is not there", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, MISSES("nickName pr")},
    {"gt and lt of texts", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     FINDS("title gt \"Teste\" and title lt \"Testf\"")},
    {"ge and le of texts", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     FINDS("title ge \"Tester\" and title le \"Tester\"")},
    {"gt of an instant", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     FINDS("meta.lastModified gt \"2011-05-13T04:42:34Z\"")},
    {"lt of an instant", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     MISSES("meta.lastModified lt \"2011-05-13T04:42:34Z\"")},
    {"a switch", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, FINDS("active eq true")},
    {"or", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     FINDS("(title eq \"Nobody\" or displayName eq \"Check Account\")")},
    {"not", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, FINDS("not (title eq \"Nobody\")")},
    {"and binds closer than or", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     FINDS("(displayName eq \"Check Account\" or title eq \"Tester\" and title eq \"Nobody\")")},
    {"a sub-attribute", "RFC 7644, 3.4.2.2", CHECK_MUST, WF, FINDS("name.givenName eq \"Check\"")},
    {"a sub-attribute of many", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     FINDS("emails.value eq \"<name>\"")},
    {"one element that meets both", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     TWO_EMAILS "GET <users>?filter=" MINE
                "emails[type eq \"home\" and value eq \"home-<name>\"]\n" FOUND},
    {"one element that meets one of both", "RFC 7644, 3.4.2.2", CHECK_MUST, WF,
     TWO_EMAILS "GET <users>?filter=" MINE
                "emails[type eq \"home\" and value eq \"<name>\"]\n" NONE},
    {"text without regard to case where the schema says so", "RFC 7643, 2.2", CHECK_MUST, WF,
     FINDS("displayName eq \"cHECK aCCOUNT\"")},
    {"its question by externalId", "RFC 7644, 3.4.2.2", CHECK_ENTRA, WF,
     ACCOUNT "GET <users>?filter=externalId eq \"x-<name>\"\n" FOUND},
    {"its question by the address of a type", "RFC 7644, 3.4.2.2", CHECK_ENTRA, WF,
     ACCOUNT "GET <users>?filter=emails[type eq \"work\"].value eq \"<name>\"\n" FOUND},
    {"its question by name, with a page", "RFC 7644, 3.4.2.2", CHECK_OKTA, WF,
     ACCOUNT "GET <users>?filter=userName eq \"<name>\"&startIndex=1&count=100\n" FOUND
             "/Resources/0/userName is \"<name>\"\n"},
    {"a query by POST finds the account", "RFC 7644, 3.4.3", CHECK_SHOULD, WF,
     ACCOUNT "POST <users>/.search\n{\"schemas\":[\"" API
             "SearchRequest\"],\"filter\":\"userName eq \\\"<name>\\\"\","
             "\"attributes\":[\"userName\"]}\n" FOUND "/Resources/0/title absent\n"},
    {"pages do not overlap", "RFC 7644, 3.4.2.4", CHECK_MUST, WF,
     ACCOUNT SECOND "GET <users>?filter=externalId eq \"x-<name>\" or externalId eq \"x-<name2>\""
                    "&startIndex=1&count=1\n= 200\n/totalResults is 2\n/itemsPerPage is 1\n"
                    "/Resources count 1\nlet first /Resources/0/id\n"
                    "GET <users>?filter=externalId eq \"x-<name>\" or externalId eq \"x-<name2>\""
                    "&startIndex=2&count=1\n= 200\n/Resources count 1\n/startIndex is 2\n"
                    "/Resources/0/id not \"<first>\"\n"},
    {"cursors lead through all", "RFC 9865, 2", CHECK_MUST, WF | NEEDS_CURSOR,
     ACCOUNT SECOND "GET <users>?filter=externalId eq \"x-<name>\" or externalId eq \"x-<name2>\""
                    "&cursor&count=1\n= 200\n/Resources count 1\nlet first /Resources/0/id\n"
                    "/nextCursor exists\nlet cursor /nextCursor\n"
                    "GET <users>?filter=externalId eq \"x-<name>\" or externalId eq \"x-<name2>\""
                    "&cursor=<cursor>&count=1\n= 200\n/Resources count 1\n/nextCursor absent\n"
                    "/Resources/0/id not \"<first>\"\n"},
    {"a filtered list is sorted", "RFC 7644, 3.4.2.3", CHECK_MUST, WF | NEEDS_SORT,
     ACCOUNT SECOND "GET <users>?filter=externalId eq \"x-<name>\" or externalId eq \"x-<name2>\""
                    "&sortBy=userName&sortOrder=descending\n= 200\n/Resources count 2\n"
                    "/Resources sorted \"-userName\"\n"},
};

const struct check_table check_filters = {checks, ARRAY_LEN(checks)};
