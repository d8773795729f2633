"""Objects with two fields and two methods, of up to eight classes."""

from common import next_random


class Shape:
    def __init__(self):
        self.w = 1
        self.h = 2


class GrowW(Shape):
    def grow(self, k):
        self.w = (self.w + k) & 0xFFFFFFFF


class GrowH(Shape):
    def grow(self, k):
        self.h = (self.h + k) & 0xFFFFFFFF


class GrowBoth(Shape):
    def grow(self, k):
        self.w = (self.w + k) & 0xFFFFFFFF
        self.h = (self.h + 1) & 0xFFFFFFFF


class Turn(Shape):
    def grow(self, k):
        self.w, self.h = self.h, self.w


class Shape0(GrowW):
    def area(self):
        return self.w * self.h & 0xFFFFFFFF


class Shape1(GrowH):
    def area(self):
        return self.w * self.w & 0xFFFFFFFF


class Shape2(GrowBoth):
    def area(self):
        return (self.w * self.h & 0xFFFFFFFF) >> 1


class Shape3(Turn):
    def area(self):
        return (self.w * self.w * 355 & 0xFFFFFFFF) // 113


class Shape4(GrowW):
    def area(self):
        return (self.w + self.h) * self.w & 0xFFFFFFFF


class Shape5(GrowH):
    def area(self):
        return (self.w + self.h) * 2 & 0xFFFFFFFF


class Shape6(GrowBoth):
    def area(self):
        return (self.w + self.h) & 0xFFFFFFFF


class Shape7(Turn):
    def area(self):
        return self.h


CLASSES = (Shape0, Shape1, Shape2, Shape3, Shape4, Shape5, Shape6, Shape7)


def shapes_make(classes):
    objects = [None] * 64
    i = 64
    while i != 0:
        i -= 1
        objects[i] = CLASSES[next_random() // 4096 % classes]()
    return objects


def shapes_run(objects, turns):
    total = index = 0
    while turns != 0:
        if index == 0:
            index = 64
        index -= 1
        shape = objects[index]
        shape.grow(turns)
        total = (total + shape.area()) & 0xFFFFFFFF
        turns -= 1
    return total
