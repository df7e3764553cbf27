#include "connector/source.h"

void source_close(struct source *s)
{
    if (s)
        s->ops->close(s);
}

void source_closep(struct source **s)
{
    source_close(*s);
    *s = NULL;
}
