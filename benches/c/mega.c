/* Method calls on objects of CLASSES classes. */
#include "common.h"

#ifndef CLASSES
#define CLASSES 8
#endif

typedef struct shape shape;

typedef struct {
    word (*area)(const shape *self);
    void (*grow)(shape *self, word k);
} methods;

struct shape {
    const methods *table;
    word w, h;
};

PROCEDURE word area_0(const shape *self) {
    return self->w * self->h;
}

PROCEDURE word area_1(const shape *self) {
    return self->w * self->w;
}

PROCEDURE word area_2(const shape *self) {
    return self->w * self->h / 2;
}

PROCEDURE word area_3(const shape *self) {
    return self->w * self->w * 355 / 113;
}

PROCEDURE word area_4(const shape *self) {
    return (self->w + self->h) * self->w;
}

PROCEDURE word area_5(const shape *self) {
    return (self->w + self->h) * 2;
}

PROCEDURE word area_6(const shape *self) {
    return self->w + self->h;
}

PROCEDURE word area_7(const shape *self) {
    return self->h;
}

PROCEDURE void grow_0(shape *self, word k) {
    self->w += k;
}

PROCEDURE void grow_1(shape *self, word k) {
    self->h += k;
}

PROCEDURE void grow_2(shape *self, word k) {
    self->w += k;
    self->h++;
}

PROCEDURE void grow_3(shape *self, word k) {
    (void)k;
    word w = self->w;
    self->w = self->h;
    self->h = w;
}

static const methods tables[8] = {{area_0, grow_0}, {area_1, grow_1}, {area_2, grow_2}, {area_3, grow_3},
                                  {area_4, grow_0}, {area_5, grow_1}, {area_6, grow_2}, {area_7, grow_3}};

PROCEDURE shape **shapes_make(word classes) {
    shape **objects = check(malloc(64 * sizeof *objects));
    for (int i = 63; i >= 0; i--) {
        objects[i] = check(malloc(sizeof **objects));
        *objects[i] = (shape){&tables[next_random() / 4096 % classes], 1, 2};
    }
    return objects;
}

PROCEDURE void shapes_free(shape **objects) {
    for (int i = 0; i < 64; i++) {
        free(objects[i]);
    }
    free(objects);
}

PROCEDURE word shapes_run(shape **objects, word turns) {
    word sum = 0, index = 0;
    for (; turns != 0; turns--) {
        index = (index == 0 ? 64 : index) - 1;
        shape *object = objects[index];
        object->table->grow(object, turns);
        sum += object->table->area(object);
    }
    return sum;
}

#ifndef PART_OF_MIXED
int main(void) {
    word turns = read_size(2000000);
    shape **objects = shapes_make(CLASSES);
    print(shapes_run(objects, turns));
    return 0;
}
#endif
