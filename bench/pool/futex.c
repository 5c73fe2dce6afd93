/* Prints the median time in microseconds from a futex wake-up until the woken thread runs, each after a pause. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { wakes = 200 };
static _Atomic int word;
static _Atomic long sent_ns;
static long late_ns[wakes];

static long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void *sleeper(void *unused) {
  for (int index = 0; index < wakes; index += 1) {
    while (atomic_load(&word) <= index) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, index, NULL, NULL, 0);
    late_ns[index] = now_ns() - atomic_load(&sent_ns);
  }
  return unused;
}

static int ascending(const void *left, const void *right) {
  long difference = *(const long *)left - *(const long *)right;
  return (difference > 0) - (difference < 0);
}

int main(int count, char **values) {
  long pause_us = count > 1 ? atol(values[1]) : 2000;
  struct timespec pause = {pause_us / 1000000, pause_us % 1000000 * 1000};
  pthread_t thread;
  if (pthread_create(&thread, NULL, sleeper, NULL) != 0) return 1;
  for (int index = 0; index < wakes; index += 1) {
    nanosleep(&pause, NULL);
    atomic_store(&sent_ns, now_ns());
    atomic_fetch_add(&word, 1);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
  pthread_join(thread, NULL);
  qsort(late_ns, wakes, sizeof *late_ns, ascending);
  printf("%.2f\n", late_ns[wakes / 2] / 1000.0);
}
