"""Matches lists against patterns with wildcards."""

from common import next_random, read_size

PATTERNS = ("*ab*cd*", "a?b*c?d", "*a*b*c*d*a*", "??*dd*", "*abcd*", "a*a*a*a", "*b?b?b*", "*d*c*b*a*?d")
STAR, ANY = ord("*"), ord("?")


def match(pattern, text):
    while pattern is not None:
        first = pattern[0]
        pattern = pattern[1]
        if first == STAR:
            while not match(pattern, text):
                if text is None:
                    return False
                text = text[1]
            return True
        if text is None or (first != ANY and first != text[0]):
            return False
        text = text[1]
    return text is None


def list_of_string(string):
    cells = None
    for c in reversed(string):
        cells = [ord(c), cells]
    return cells


def main():
    patterns = [list_of_string(pattern) for pattern in PATTERNS]
    left = read_size(2000)
    matches = 0
    while left != 0:
        text = None
        for _ in range(24):
            text = [next_random() // 4096 % 4 + 97, text]
        i = 8
        while i != 0:
            i -= 1
            if match(patterns[i], text):
                matches += 1
        left -= 1
    print(matches)


main()
