/* One PATCH operation at work on a document. Internal to scim/: patch.c has single values and the
 * whole, patch_list.c the elements of multi-valued attributes. */
#pragma once

#include "scim/patch.h"

struct patch_work {
    struct arena *arena;
    const struct scim_rules *rules;
    const struct scim_patch_op *op;
    struct json *object; /* holds the attribute: the document, or an extension's object */
    struct err *err;
};

/* Fills err with "mutability" naming the attribute; always false. */
bool patch_refuse_change(struct patch_work *w, const struct scim_attribute *attribute);
/* Sets or, with value NULL, unassigns a member; an immutable one may be set once. */
bool patch_put(struct patch_work *w, struct json *object, const struct scim_attribute *attribute,
               struct json *value);
/* The operation's value as one of its sub-attribute; NULL when unassigned. */
bool patch_read_sub(struct patch_work *w, struct json **out);
/* False, with err filled, when the merge would change an immutable sub-attribute. */
bool patch_may_merge(struct patch_work *w, const struct json *into, const struct json *from);
/* Merges sub-attributes, null taking one away, with a look at immutable ones. */
bool patch_merge(struct patch_work *w, struct json *into, struct json *from);

bool patch_set_list(struct patch_work *w);       /* the attribute without filter and sub */
bool patch_set_sub_of_all(struct patch_work *w); /* attr.sub */
bool patch_set_matching(struct patch_work *w);   /* attr[f], attr[f].sub */
bool patch_remove_elements(struct patch_work *w);
/* Elements that an operation made the same are one (scim.md 1.7). */
void patch_merge_same(struct arena *a, const struct scim_patch_op *op, struct json *doc);
