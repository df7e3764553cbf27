/* What a notice says to people: subject and text of an event, from its kind and content. */
#pragma once

#include "notify/queue.h"

struct notify_words {
    struct str subject; /* one line: control characters are blanks */
    struct str text;    /* lines end with '\n' */
};

/* link: where usher's console is; empty: not told. Texts in a. */
struct notify_words notify_words(struct arena *a, const struct notify_part *part, struct str link);

/* All parts of a message in one. */
struct notify_words notify_words_of_message(struct arena *a, const struct notify_message *m,
                                            struct str link);
