/* The same as list.c with lists of 5,000 cells. */
#define PIECE 5000
#include "list.c"
