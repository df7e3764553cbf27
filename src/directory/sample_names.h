/* The words of the sample organisation (sample.c): names by culture, with how they are written in
 * an address; departments, offices, projects. */
#pragma once

#include "base/str.h"

struct sample_name {
    const char *text;  /* as written in that culture */
    const char *ascii; /* as written in an address */
};

enum { SAMPLE_NAMES = 16 }; /* given and family names of a culture */

struct sample_culture {
    const char *language; /* preferredLanguage */
    bool family_first;
    struct sample_name given[SAMPLE_NAMES];
    struct sample_name family[SAMPLE_NAMES];
};
extern const struct sample_culture sample_cultures[];
extern const size_t sample_culture_count;

struct sample_department {
    const char *name;
    const char *cost_center;
    const char *titles[4]; /* from the head down */
};
extern const struct sample_department sample_departments[];
extern const size_t sample_department_count;

struct sample_office {
    const char *city, *state, *country, *usage_location, *postal_code, *street, *phone_prefix;
};
extern const struct sample_office sample_offices[];
extern const size_t sample_office_count;

extern const char *const sample_projects[];
extern const size_t sample_project_count;
