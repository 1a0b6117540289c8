/* The machine itself: wakes every PERIOD ms and prints, one a line, how many ms have passed since it last did. Run with real-time
   priority beside a program on its core, it shows what nobody on that core can be spared. pacer PERIOD */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  double period = atof(argv[1]), last = now();
  for (;;) {
    struct timespec pause = {.tv_sec = 0, .tv_nsec = (long)(period * 1e6)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, 0);
    double woken = now();
    printf("%.1f\n", woken - last);
    fflush(stdout);
    last = woken;
  }
}
