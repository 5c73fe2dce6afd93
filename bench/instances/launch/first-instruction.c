// The smallest program: says when it began to run (CLOCK_MONOTONIC, nanoseconds), and waits for ever if told to.
#include "sys.h"

int program(int argc, char **argv, char **env) {
  (void)argv, (void)env;
  char text[32], *end = put_number(text, clock_ns(MONOTONIC), 1);
  *end++ = '\n';
  write_all(1, text, (usize)(end - text));
  if (argc > 1)
    for (;;) sys(ppoll, NULL, 0, NULL, NULL, 8);
  return 0;
}
