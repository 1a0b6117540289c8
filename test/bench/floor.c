/* The floor: what one probe costs in C with the same system calls. floor MODE RATE SECONDS PORT0 PORTS; MODE tcp|http; RATE 0 = as fast as 64 in flight allow.
 * Prints JSON: probes, ok, CPU µs (user+sys) per probe, and at a given rate the 99th percentile of how late a probe started, ms, else null. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static double cpu(void) {
  struct rusage r; getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int ascending(const void *a, const void *b) { double x = *(const double *)a, y = *(const double *)b; return (x > y) - (x < y); }

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int http = !strcmp(argv[1], "http");
  double rate = atof(argv[2]), seconds = atof(argv[3]);
  int port0 = atoi(argv[4]), ports = atoi(argv[5]);
  const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: fourlane\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  static char buffer[65536];
  int ep = epoll_create1(0);
  long started = 0, done = 0, ok = 0;
  struct epoll_event events[256], event;
  struct linger linger = {1, 0};
  double *late = rate > 0 ? calloc((size_t)(rate * (seconds + 1)), sizeof *late) : 0;
  double t0 = now(), c0 = cpu();
  for (;;) {
    double t = now() - t0;
    if (t >= seconds && done == started) break;
    long due = t >= seconds ? started : rate > 0 ? (long)(t * rate) : done + 64;
    while (started < due) {
      if (late) late[started] = now() - t0 - started / rate;
      int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd < 0) return 3;
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
      struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port0 + started++ % ports), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
      connect(fd, (void *)&to, sizeof to);
      event.events = EPOLLOUT | (http ? EPOLLIN : 0) | EPOLLET;
      event.data.fd = fd;
      epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
    }
    int n = epoll_wait(ep, events, 256, rate > 0 ? 1 : 10);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd, error = 0;
      socklen_t length = sizeof error;
      if (http && !(events[i].events & EPOLLIN)) {
        if (!(events[i].events & EPOLLERR)) { if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) continue; }
      }
      if (http) ok += recv(fd, buffer, sizeof buffer, 0) > 12 && !memcmp(buffer + 9, "200", 3);
      else { getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length); ok += !error; }
      close(fd);
      done++;
    }
  }
  double used = cpu() - c0, elapsed = now() - t0;
  char p99[32] = "null";
  if (late && started > 0) {
    qsort(late, started, sizeof *late, ascending);
    snprintf(p99, sizeof p99, "%.3f", late[(long)(started * 0.99)] * 1e3);
  }
  printf("{\"probes\":%ld,\"ok\":%ld,\"us\":%.2f,\"per_second\":%.0f,\"late_p99_ms\":%s}\n", done, ok, used * 1e6 / done, done / elapsed, p99);
  return 0;
}
