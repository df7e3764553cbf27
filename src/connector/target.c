#include "connector/target.h"

void target_close(struct target *t)
{
    if (t)
        t->ops->close(t);
}

void target_closep(struct target **t)
{
    target_close(*t);
}
