/* The second pass inside: what references.c, which walks its objects, and references_members.c,
 * which plans and sends memberships, share. */
#pragma once

#include "engine/cycle/run.h"

/* The members mapping of a kind of object; NULL when it has none. */
const struct mapping_attribute *references_members_attribute(const struct mapping_object *m);
/* A reference that waits for the account of missing_id. */
void references_add_missing(struct walk *w, struct str missing_id,
                            const struct mapping_attribute *attribute);
/* Ends the walk: its outcome is what it has reached. */
void references_done(struct walk *w);
/* Something here went wrong, not in the target. */
void references_broken(struct walk *w, const struct err *err);
/* The account that is the owner of the references is gone. */
void references_account_gone(struct walk *w);
/* The rest of a group whose members are too many for one walk. */
void references_go_on(struct walk *w);

/* Compares and sends the members of a group in the leg of the walk, then references_done. */
void members_begin(struct walk *w);
