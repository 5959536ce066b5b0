/* number.h - text to numbers by one function with a range. */
#ifndef DIALTONE_NUMBER_H
#define DIALTONE_NUMBER_H

#include <stdbool.h>

/* All of `text` as a decimal integer within [min, max]: no blanks, no '+', no rubbish behind, no overflow. False leaves *value_r alone. */
bool number_parse(const char *text, long long min, long long max, long long *value_r);

#endif
