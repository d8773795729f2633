/* Variables in a symbol table: a hash map with chains. */
#include "text.h"

typedef struct entry {
    const string *name;
    word value;
    struct entry *next;
} entry;

static entry *buckets[256];
static string *names[1000];

static string *name_of_number(word number) {
    word length = 0;
    for (word rest = number; rest != 0; rest /= 26) {
        length++;
    }
    string *name = string_new(length);
    for (word i = 0; i < length; i++, number /= 26) {
        name->chars[i] = number % 26 + 'a';
    }
    return name;
}

PROCEDURE void symtab_init(void) {
    for (word i = 0; i < 1000; i++) {
        names[i] = name_of_number(i * 7919 + 1);
    }
}

PROCEDURE entry *symtab_lookup(const string *name) {
    entry **bucket = &buckets[string_hash(name, HASH_START) / 65536 % 256];
    for (entry *found = *bucket; found; found = found->next) {
        if (string_equal(found->name, name)) {
            return found;
        }
    }
    entry *made = check(malloc(sizeof *made));
    *made = (entry){name, 0, *bucket};
    return *bucket = made;
}

PROCEDURE word symtab_run(word n) {
    word sum = 0;
    for (; n != 0; n--) {
        entry *variable = symtab_lookup(names[next_random() / 16 % 1000]);
        variable->value = variable->value * 3 + n;
        sum += variable->value;
    }
    return sum;
}

#ifndef PART_OF_MIXED
int main(void) {
    word n = read_size(200000), size = 0;
    symtab_init();
    word sum = symtab_run(n);
    for (int i = 0; i < 256; i++) {
        for (entry *variable = buckets[i]; variable; variable = variable->next) {
            size++;
        }
    }
    print(size);
    print(sum);
    return 0;
}
#endif
