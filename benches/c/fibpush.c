/* The same as fib.c: where the stack is makes no difference here. */
#include "fib.c"
