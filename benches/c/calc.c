/* A calculator: one expression a line, by recursive descent. */
#include "common.h"
#include <setjmp.h>

static int look;
static int depth;
static jmp_buf bad_line;

static void advance(void) {
    do {
        look = getchar();
    } while (look == ' ' || look == '\t' || look == '\r');
}

static _Noreturn void unexpected(void) {
    if (look == EOF || look == '\n') {
        puts("error: unexpected end of line");
    } else {
        printf("error: unexpected '%c'\n", look);
    }
    longjmp(bad_line, 1);
}

static _Noreturn void fail(const char *message) {
    puts(message);
    longjmp(bad_line, 1);
}

static word expr(void);

static word factor(void) {
    bool negative = false;
    word value = 0;
    for (; look == '-'; advance()) {
        negative = !negative;
    }
    if (look == '(') {
        if (++depth > 1000) {
            fail("error: nested too deeply");
        }
        advance();
        value = expr();
        if (look != ')') {
            fail("error: expected ')'");
        }
        depth--;
        advance();
    } else if (look >= '0' && look <= '9') {
        for (; look >= '0' && look <= '9'; look = getchar()) {
            value = value * 10 + (word)(look - '0');
        }
        if (look == ' ' || look == '\t' || look == '\r') {
            advance();
        }
    } else {
        unexpected();
    }
    return negative ? -value : value;
}

static word divide(word x, word y) {
    word sign = (x ^ y) >> 31;
    x = x >> 31 ? -x : x;
    y = y >> 31 ? -y : y;
    return sign ? -(x / y) : x / y;
}

static word term(void) {
    word value = factor();
    while (look == '*' || look == '/') {
        int operator = look;
        advance();
        word other = factor();
        if (operator == '*') {
            value *= other;
        } else if (other == 0) {
            fail("error: division by zero");
        } else {
            value = divide(value, other);
        }
    }
    return value;
}

static word expr(void) {
    word value = term();
    while (look == '+' || look == '-') {
        int operator = look;
        advance();
        word other = term();
        value = operator == '+' ? value + other : value - other;
    }
    return value;
}

int main(void) {
    if (setjmp(bad_line)) {
        while (look != EOF && look != '\n') {
            look = getchar();
        }
        if (look == EOF) {
            return 0;
        }
    }
    for (;;) {
        depth = 0;
        advance();
        if (look == EOF) {
            return 0;
        }
        if (look == '\n') {
            continue;
        }
        word value = expr();
        if (look != '\n' && look != EOF) {
            unexpected();
        }
        printf("%" PRId32 "\n", (int32_t)value);
        if (look == EOF) {
            return 0;
        }
    }
}
