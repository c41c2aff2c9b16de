/* Converts a length: convert 3 mile foot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../gen/units.h"

static double metres_of(const char *name) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, name) == 0)
            return units[i].metres;
    fprintf(stderr, "no unit is called %s\n", name);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: convert NUMBER UNIT UNIT\n");
        return 2;
    }
    printf("%.4f\n", atof(argv[1]) * metres_of(argv[2]) / metres_of(argv[3]));
    return 0;
}
