/* What `usher user` and `usher group` have in common: listing, showing, changing, removing. */
#pragma once

#include "cli/cli.h"
#include "directory/write.h"

/* A command's work on the directory, inside one transaction. */
MUST_USE bool cli_directory_begin(struct cli *c, struct directory_tx *tx, struct err *err);

/* The object that a word means; nobody else's kind. */
MUST_USE bool cli_object_find(struct cli *c, const char *who, unsigned kinds,
                              struct directory_object *out, struct err *err);
/* "user 'Ada Lovelace' (ada@example.com)", for messages; in c->arena. */
struct str cli_object_title(struct cli *c, const struct directory_object *o);

/* Tells the audit log what the object was (NULL: it was not) and what it is now, in the transaction
 * of the change (object_note.c). */
MUST_USE bool cli_object_note(struct cli *c, const struct directory_object *before, struct str id,
                              struct err *err);
/* The same of members of a group: their names. */
enum cli_members_change { CLI_MEMBERS_ADDED, CLI_MEMBERS_REMOVED };
MUST_USE bool cli_members_note(struct cli *c, const struct directory_object *group,
                               const struct json *members, enum cli_members_change what,
                               struct err *err);

int cli_object_list(struct cli *c, const struct cli_args *args, enum source_kind kind);
int cli_object_show(struct cli *c, const struct cli_args *args, enum source_kind kind);
/* args: NAME [ATTRIBUTE=VALUE ...]; name_attribute is what NAME gives, if it is not ATTRIBUTE=VALUE
 * itself. */
int cli_object_add(struct cli *c, const struct cli_args *args, enum source_kind kind);
int cli_object_set(struct cli *c, const struct cli_args *args, enum source_kind kind);
int cli_object_remove(struct cli *c, const struct cli_args *args, enum source_kind kind);
int cli_object_restore(struct cli *c, const struct cli_args *args, enum source_kind kind);

extern const struct cli_option cli_object_list_options[3];
extern const struct cli_option cli_object_remove_options[2];
