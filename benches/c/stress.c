/* The load of the stress benchmark, over a heap with a mark-and-sweep collector. The self-check of the machine's
 * operators has no counterpart here: its messages are printed, that is all.
 */
#include "common.h"
#include <stddef.h>

typedef struct object {
    struct object *next; /* of all objects */
    word marked;
    word kind; /* 0 a number, 1 a pair, n >= 2 a vector of n references */
    union {
        word number;
        struct object *part[2]; /* or as many as there are */
    };
} object;

static object *all_objects;
static word allocated, live, freed;
static object *world;

static object **parts(object *o) {
    return o->part;
}

static object *new_object(word kind, word references) {
    size_t tail = references == 0 ? sizeof(word) : references * sizeof(object *);
    object *made = check(calloc(1, offsetof(object, part) + tail));
    made->kind = kind;
    made->next = all_objects;
    all_objects = made;
    allocated++;
    return made;
}

PROCEDURE object *new_number(word value) {
    object *made = new_object(0, 0);
    made->number = value;
    return made;
}

PROCEDURE object *new_pair(object *first, object *second) {
    object *made = new_object(1, 2);
    made->part[0] = first;
    made->part[1] = second;
    return made;
}

static void mark(object *root) {
    static object **stack;
    static size_t capacity;
    size_t depth = 1;
    if (!stack) {
        capacity = 1024;
        stack = check(malloc(capacity * sizeof *stack));
    }
    stack[0] = root;
    while (depth > 0) {
        object *o = stack[--depth];
        if (o->marked) {
            continue;
        }
        o->marked = 1;
        word references = o->kind == 1 ? 2 : o->kind;
        if (depth + references > capacity) {
            capacity = (depth + references) * 2;
            stack = check(realloc(stack, capacity * sizeof *stack));
        }
        while (references-- > 0) {
            if (parts(o)[references]) {
                stack[depth++] = parts(o)[references];
            }
        }
    }
}

static void sweep(void) {
    object **link = &all_objects;
    live = 0;
    while (*link) {
        object *o = *link;
        if (o->marked) {
            o->marked = 0;
            live++;
            link = &o->next;
        } else {
            *link = o->next;
            free(o);
            freed++;
        }
    }
}

PROCEDURE void collect(void) {
    mark(world);
    sweep();
    allocated = 0;
}

static word random_slot(void) {
    return next_random() / 1024 % 32;
}

PROCEDURE object *build_tree(word depth) {
    if (depth == 0) {
        return new_number(next_random());
    }
    object *first = build_tree(depth - 1);
    return new_pair(first, build_tree(depth - 1));
}

PROCEDURE object *merge_lists(object *first, object *second) {
    object *result = NULL, **end = &result;
    while (first && second) {
        object **from = first->part[0]->number < second->part[0]->number ? &first : &second;
        *end = new_pair((*from)->part[0], NULL);
        end = &(*end)->part[1];
        *from = (*from)->part[1];
    }
    *end = first ? first : second;
    return result;
}

PROCEDURE object *sort_list(object *list) {
    if (!list || !list->part[1]) {
        return list;
    }
    object *one = NULL, *other = NULL;
    for (; list; list = list->part[1]) {
        object *longer = new_pair(list->part[0], other);
        other = one;
        one = longer;
    }
    one = sort_list(one);
    return merge_lists(sort_list(other), one);
}

static object *random_list(void) {
    object *list = NULL;
    for (word left = next_random() % 150 + 1; left != 0; left--) {
        list = new_pair(new_number(next_random()), list);
    }
    return sort_list(list);
}

PROCEDURE object *mirror(object *o) {
    if (!o || o->kind >= 2) {
        return o;
    }
    if (o->kind == 0) {
        return new_number(o->number + 1);
    }
    object *first = mirror(o->part[0]);
    return new_pair(mirror(o->part[1]), first);
}

static object *random_vector(void) {
    word length = next_random() % 48 + 16;
    object *vector = new_object(length, length);
    for (word i = length; i-- > 0;) {
        parts(vector)[i] = new_number(i * i);
    }
    for (word i = length; i-- > 0;) {
        word other = next_random() % length;
        object *saved = parts(vector)[i];
        parts(vector)[i] = parts(vector)[other];
        parts(vector)[other] = saved;
    }
    return vector;
}

PROCEDURE word checksum(object *o) {
    if (!o) {
        return 7;
    }
    if (o->kind == 0) {
        return o->number;
    }
    word sum = o->kind;
    for (word i = o->kind == 1 ? 2 : o->kind; i-- > 0;) {
        sum = sum * 31 + checksum(parts(o)[i]);
    }
    return sum;
}

static object *act(void) {
    switch (next_random() / 64 % 4) {
    case 0: return build_tree(next_random() % 7 + 2);
    case 1: return random_list();
    case 2: return mirror(parts(world)[random_slot()]);
    default: return random_vector();
    }
}

static void step(void) {
    if (allocated >= 20000) {
        collect();
    }
    object *made = act();
    parts(world)[random_slot()] = made;
}

int main(void) {
    word rounds = read_size(40);
    static const char *const checks[] = {
        "conditional move", "array index and amendment", "addition", "multiplication", "division", "not-and",
        "orthography", "allocation and abandonment", "the program as data", "the program patching itself",
        "load program"};
    puts("== self-check ==");
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        printf("%s: ok\n", checks[i]);
    }
    fputs("output: ", stdout);
    for (int c = ' '; c <= '~'; c++) {
        putchar(c);
    }
    puts("\tok\n== load ==");
    world = new_object(32, 32);
    for (word round = 1; round <= rounds; round++) {
        for (int i = 0; i < 1000; i++) {
            step();
        }
        printf("round %u: checksum %u, live %u, freed %u\n", round, checksum(world), live, freed);
    }
    world = new_number(4);
    collect();
    printf("finished: live %u, freed %u\n", live, freed);
    return 0;
}
