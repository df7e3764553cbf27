/* Lists, pages and filters as far as reading goes. */
#include "conformance/script.h"

static const struct check checks[] = {
    {"users are listed", "RFC 7644, 3.4.2", CHECK_MUST, 0,
     "GET <users>\n"
     "= 200\n"
     "/schemas has \"" API "ListResponse\"\n"
     "/totalResults type number\n"},
    {"each listed user has id, schemas and userName", "RFC 7643, 3.1", CHECK_MUST, 0,
     "GET <users>?startIndex=1&count=20\n"
     "= 200\n"
     "/Resources/*/id type string\n"
     "/Resources/*/schemas has \"" CORE "User\"\n"
     "/Resources/*/userName exists\n"},
    {"a page says where it begins and how long it is", "RFC 7644, 3.4.2.4", CHECK_MUST, 0,
     "GET <users>?startIndex=1&count=1\n"
     "= 200\n"
     "/startIndex is 1\n"
     "/itemsPerPage type number\n"
     "/Resources most 1\n"},
    {"the first page as it asks for it", "RFC 7644, 3.4.2.4", CHECK_OKTA, 0,
     "GET <users>?startIndex=1&count=100\n"
     "= 200\n"
     "/schemas has \"" API "ListResponse\"\n"
     "/startIndex is 1\n"
     "/totalResults type number\n"
     "/Resources type array\n"},
    {"its first contact", "RFC 7644, 3.4.2.4", CHECK_OKTA, 0,
     "GET <users>?startIndex=1&count=2\n"
     "= 200\n"
     "/Resources most 2\n"},
    {"a count of 0 gives the total alone", "RFC 7644, 3.4.2.4", CHECK_MUST, 0,
     "GET <users>?count=0\n"
     "= 200\n"
     "/totalResults type number\n"
     "/Resources empty\n"},
    {"a negative count is 0", "RFC 7644, 3.4.2.4", CHECK_MUST, 0,
     "GET <users>?count=-1\n"
     "= 200\n"
     "/totalResults type number\n"
     "/Resources empty\n"},
    {"a startIndex below 1 is 1", "RFC 7644, 3.4.2.4", CHECK_MUST, 0,
     "GET <users>?startIndex=0&count=1\n"
     "= 200\n"
     "/startIndex is 1\n"},
    {"a page beyond the end is empty", "RFC 7644, 3.4.2.4", CHECK_MUST, 0,
     "GET <users>?startIndex=2000000000&count=10\n"
     "= 200\n"
     "/Resources empty\n"},
    {"a filter that nothing meets gives an empty list", "RFC 7644, 3.4.2", CHECK_MUST, NEEDS_FILTER,
     "GET <users>?filter=userName eq \"<random>\"\n"
     "= 200\n"
     "/totalResults is 0\n"
     "/Resources empty\n"},
    {"its test of the connection", "RFC 7644, 3.4.2", CHECK_ENTRA, NEEDS_FILTER,
     "GET <users>?filter=userName+eq+%22<random>%22\n"
     "= 200\n"
     "/schemas has \"" API "ListResponse\"\n"
     "/totalResults is 0\n"},
    {"its test of the connection for groups", "RFC 7644, 3.4.2", CHECK_ENTRA,
     NEEDS_FILTER | NEEDS_GROUPS,
     "GET <groups>?excludedAttributes=members&filter=displayName eq \"<random>\"\n"
     "= 200\n"
     "/totalResults is 0\n"},
    {"its question whether somebody is there", "RFC 7644, 3.4.2", CHECK_OKTA, NEEDS_FILTER,
     "GET <users>?filter=userName eq \"<random>@example.com\"&startIndex=1&count=100\n"
     "= 200\n"
     "/totalResults is 0\n"},
    {"a malformed filter is refused", "RFC 7644, 3.4.2.2", CHECK_MUST, NEEDS_FILTER,
     "GET <users>?filter=userName eq\n"
     "= 400\n"},
    {"an unknown operator is refused", "RFC 7644, 3.4.2.2", CHECK_MUST, NEEDS_FILTER,
     "GET <users>?filter=userName xx \"a\"\n"
     "= 400\n"},
    {"it is told as invalidFilter", "RFC 7644, 3.12", CHECK_SHOULD, NEEDS_FILTER,
     "GET <users>?filter=userName xx \"a\"\n"
     "= 400\n"
     "error invalidFilter\n"},
    {"an unclosed group is refused", "RFC 7644, 3.4.2.2", CHECK_MUST, NEEDS_FILTER,
     "GET <users>?filter=(userName eq \"a\"\n"
     "= 400\n"},
    {"names and operators of filters have no case", "RFC 7644, 3.4.2.2", CHECK_MUST, NEEDS_FILTER,
     "GET <users>?filter=USERNAME EQ \"<random>\"\n"
     "= 200\n"
     "/totalResults is 0\n"},
    {"a filter may name the attribute with its schema", "RFC 7644, 3.10", CHECK_MUST, NEEDS_FILTER,
     "GET <users>?filter=" CORE "User:userName eq \"<random>\"\n"
     "= 200\n"
     "/totalResults is 0\n"},
    {"a query may be sent by POST", "RFC 7644, 3.4.3", CHECK_SHOULD, NEEDS_FILTER,
     "POST <users>/.search\n"
     "{\"schemas\":[\"" API "SearchRequest\"],\"filter\":\"userName eq \\\"<random>\\\"\","
     "\"startIndex\":1,\"count\":10}\n"
     "= 200\n"
     "/schemas has \"" API "ListResponse\"\n"
     "/totalResults is 0\n"},
    {"a list can be sorted", "RFC 7644, 3.4.2.3", CHECK_MUST, NEEDS_SORT,
     "GET <users>?sortBy=userName&sortOrder=ascending&count=50\n"
     "= 200\n"
     "/Resources sorted \"userName\"\n"},
    {"a list can be sorted the other way round", "RFC 7644, 3.4.2.3", CHECK_MUST, NEEDS_SORT,
     "GET <users>?sortBy=userName&sortOrder=descending&count=50\n"
     "= 200\n"
     "/Resources sorted \"-userName\"\n"},
    {"a list without an order is ascending", "RFC 7644, 3.4.2.3", CHECK_MUST, NEEDS_SORT,
     "GET <users>?sortBy=userName&count=50\n"
     "= 200\n"
     "/Resources sorted \"userName\"\n"},
    {"reading by cursor begins with an empty one", "RFC 9865, 2", CHECK_MUST, NEEDS_CURSOR,
     "GET <users>?cursor&count=1\n"
     "= 200\n"
     "/Resources most 1\n"},
    {"an invented cursor is refused", "RFC 9865, 2.1", CHECK_MUST, NEEDS_CURSOR,
     "GET <users>?cursor=<random>&count=1\n"
     "= 400\n"
     "error invalidCursor\n"},
};

const struct check_table check_lists = {checks, ARRAY_LEN(checks)};
