/* Calls a counter that is a closure. */
#include "common.h"

typedef struct counter {
    word (*code)(struct counter *self);
    word count, step;
} counter;

PROCEDURE word counter_step(counter *self) {
    return self->count += self->step;
}

PROCEDURE counter *make_counter(word step) {
    counter *made = check(malloc(sizeof *made));
    *made = (counter){counter_step, 0, step};
    return made;
}

PROCEDURE word counter_run(counter *made, word calls) {
    word sum = 0;
    for (; calls != 0; calls--) {
        sum += made->code(made);
    }
    return sum;
}

#ifndef PART_OF_MIXED
int main(void) {
    word calls = read_size(10000000);
    print(counter_run(make_counter(3), calls));
    return 0;
}
#endif
