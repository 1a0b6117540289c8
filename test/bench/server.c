/* The other side: accepts on PORTS ports from PORT0 of every address, answers any request with a small HTTP 200, and closes what the peer closes. server PORT0 PORTS */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int port0 = atoi(argv[1]), ports = atoi(argv[2]), ep = epoll_create1(0), highest = 0;
  static char buffer[65536];
  const char answer[] = "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
  struct epoll_event event, events[256];
  for (int i = 0; i < ports; i++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port0 + i), .sin_addr.s_addr = htonl(INADDR_ANY)};
    if (bind(fd, (void *)&at, sizeof at) || listen(fd, 4096)) { perror("bind"); return 1; }
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
    highest = fd;
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    int n = epoll_wait(ep, events, 256, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd <= highest) {
        int client;
        while ((client = accept4(fd, 0, 0, SOCK_NONBLOCK)) >= 0) {
          event.events = EPOLLIN;
          event.data.fd = client;
          epoll_ctl(ep, EPOLL_CTL_ADD, client, &event);
        }
        continue;
      }
      ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got > 0) send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
      else close(fd);
    }
  }
}
