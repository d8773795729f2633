/* The same as mega.c with objects of one class. */
#define CLASSES 1
#include "mega.c"
